/* The search of the page *Try it*: all eight corners of the colour cube at every place, coarse places first. */
"use strict";

(() => {
  const SIDE = 50;
  const CORNERS = [...Array(8).keys()].map(n => [n & 4, n & 2, n & 1].map(bit => bit ? 255 : 0));
  const LEVELS = [10, 5, 2, 1];   // from one place in a hundred to all: the map is there at once, and sharpens

  /** Every place once, [row, column, size of the square that it stands for]: of each level those first where the
      map, as it is by then, says that a pixel moves most. */
  function* places(search) {
    for (const size of LEVELS) {
      const level = [];
      for (let row = size >> 1; row < SIDE; row += size) {
        for (let column = size >> 1; column < SIDE; column += size) {
          if (!search.known[row * SIDE + column]) level.push([row, column, size]);
        }
      }
      const moved = search.moved.slice();
      yield* level.sort(([r, c], [s, d]) => moved[s * SIDE + d] - moved[r * SIDE + c]);
    }
  }

  /** A copy of an `image` (Float32Array) with one pixel set: {row, column, colour}. */
  function changed(image, {row, column, colour}) {
    const copy = image.slice();
    copy.set(colour, 3 * (row * SIDE + column));
    return copy;
  }

  /** By how much the logit of `label` is ahead. */
  const margin = ([bare, masked], label) => label ? masked - bare : bare - masked;

  class Search {
    /** Of a `network` about an `image` (Float32Array, 50 x 50 x 3), whose decision is what is to turn. */
    constructor(network, image) {
      const own = network.logits(image, 1);
      Object.assign(this, {network, image, logits: own, label: own[1] > own[0] ? 1 : 0});
      this.own = margin(own, this.label);
      this.left = places(this);
      this.asked = 0;
      this.all = SIDE * SIDE * CORNERS.length;
      this.moved = new Float32Array(SIDE * SIDE).fill(NaN);   // by how much the worst colour asked lowers the margin
      this.known = new Uint8Array(SIDE * SIDE);     // places that were asked about
      this.flips = new Uint8Array(SIDE * SIDE);
      this.worst = null;                            // {row, column, colour, margin}
    }

    /** Ask about the next `count` places, as far as there are any left. */
    next(count) {
      const chosen = [];
      for (let n = 0; n < count; n++) {
        const {value, done} = this.left.next();
        if (done) break;
        chosen.push(value);
      }
      if (!chosen.length) return;
      const size = this.image.length, batch = new Float32Array(chosen.length * CORNERS.length * size);
      const pixels = chosen.flatMap(([row, column]) => CORNERS.map(colour => ({row, column, colour})));
      pixels.forEach((pixel, n) => {
        batch.set(this.image, n * size);
        batch.set(pixel.colour, n * size + 3 * (pixel.row * SIDE + pixel.column));
      });
      const logits = this.network.logits(batch, pixels.length);
      chosen.forEach(([row, column, square], n) => {
        const eight = pixels.slice(8 * n, 8 * n + 8).map((pixel, k) => (
          {...pixel, margin: margin(logits.subarray(16 * n + 2 * k, 16 * n + 2 * k + 2), this.label)}));
        const worst = eight.reduce((one, other) => other.margin < one.margin ? other : one);
        if (!this.worst || worst.margin < this.worst.margin) this.worst = worst;
        this.fill(row, column, square, this.own - worst.margin);
        this.flips[row * SIDE + column] = worst.margin < 0 ? 1 : 0;
      });
      this.asked += pixels.length;
    }

    /** Let a place stand for the square around it until its neighbours are asked. */
    fill(row, column, square, value) {
      const top = row - (square >> 1), left = column - (square >> 1);
      for (let y = top; y < top + square; y++) {
        for (let x = left; x < left + square; x++) {
          if (!this.known[y * SIDE + x]) this.moved[y * SIDE + x] = value;
        }
      }
      this.known[row * SIDE + column] = 1;
    }

    /** Whether a pixel that turns the decision was found. */
    get found() {
      return this.worst !== null && this.worst.margin < 0;
    }
  }

  window.maskdet = Object.assign(window.maskdet ?? {}, {SIDE, CORNERS, changed, margin, Search});
})();
