/* The faces in a photograph, found in the page: YuNet as `maskdet/faces/yunet.py` runs it. */
"use strict";

(() => {
  /** How much each of `whole` source pixels weighs in each of `size` pixels: a triangle as wide as what one covers. */
  function weights(whole, size) {
    const scale = whole / size, support = Math.max(scale, 1);
    return Array.from({length: size}, (_, at) => {
      const middle = (at + 0.5) * scale;
      const first = Math.max(0, Math.round(middle - support)), last = Math.min(whole, Math.round(middle + support));
      const found = [];
      for (let source = first; source < last; source++) {
        found.push(Math.max(0, 1 - Math.abs((source + 0.5 - middle) / support)));
      }
      const sum = found.reduce((one, other) => one + other, 0);
      return {first, found: found.map(weight => weight / sum)};
    });
  }

  /** An `image` {width, height, values: three numbers a pixel} in another size, smoothed where it shrinks. */
  function resized(image, width, height) {
    const {values} = image, across = weights(image.width, width), down = weights(image.height, height);
    const rows = new Float32Array(3 * width * image.height), all = new Float32Array(3 * width * height);
    for (let row = 0; row < image.height; row++) {
      across.forEach(({first, found}, column) => {
        const into = 3 * (row * width + column);
        found.forEach((weight, k) => {
          const from = 3 * (row * image.width + first + k);
          for (let c = 0; c < 3; c++) rows[into + c] += weight * values[from + c];
        });
        for (let c = 0; c < 3; c++) rows[into + c] = Math.round(rows[into + c]);
      });
    }
    down.forEach(({first, found}, row) => {
      for (let n = 0; n < 3 * width; n++) {
        let sum = 0;
        found.forEach((weight, k) => { sum += weight * rows[3 * width * (first + k) + n]; });
        all[3 * width * row + n] = Math.round(sum);
      }
    });
    return {width, height, values: all};
  }

  /** The share of two boxes' union that both cover. */
  function shared(one, other) {
    const side = k => Math.max(0, Math.min(one.box[k + 2], other.box[k + 2]) - Math.max(one.box[k], other.box[k]));
    const area = ({box: [left, top, right, bottom]}) => (right - left) * (bottom - top);
    const both = side(0) * side(1);
    return both / (area(one) + area(other) - both);
  }

  class Detector {
    constructor({settings, strides, ...network}) {
      Object.assign(this, {settings, strides, network: new window.maskdet.Network(network)});
    }

    /** The boxes [left, top, right, bottom] and scores of one pass over an image; edges are shares of its sides. */
    cells({width, height, values}) {
      const last = this.strides.at(-1), [wide, high] = [width, height].map(side => Math.ceil(side / last) * last);
      const canvas = new Float32Array(3 * wide * high), found = [];
      for (let row = 0; row < height; row++) {
        canvas.set(values.subarray(3 * row * width, 3 * (row + 1) * width), 3 * row * wide);
      }
      this.network.run(canvas, [1, high, wide, 3]).forEach(({shape: [, rows, columns], values: cells}, level) => {
        const stride = this.strides[level];
        for (let row = 0, at = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++, at += 6) {
            const score = 1 / Math.sqrt((1 + Math.exp(-cells[at])) * (1 + Math.exp(-cells[at + 1])));
            if (score < this.settings.threshold) continue;
            const x = column + cells[at + 2], y = row + cells[at + 3];
            const [half, tall] = [Math.exp(cells[at + 4]) / 2, Math.exp(cells[at + 5]) / 2];
            const box = [x - half, y - tall, x + half, y + tall];
            found.push({score, box: box.map((edge, k) => stride * edge / (k % 2 ? height : width))});
          }
        }
      });
      return found;
    }

    /** The faces in an image, the surest first: {box: [left, top, right, bottom] in its pixels, score}. `longest`: the
        longer side is brought to so many pixels; `twice`: a second, smaller pass looks for large faces. */
    faces(image, {longest = this.settings.longest, twice = true} = {}) {
      const {enlarged, shrunk, large, threshold, stricter, narrow, iou, margins, smallest} = this.settings;
      const scale = Math.min(enlarged, longest / Math.max(image.width, image.height));
      const sized = (one, factor) => resized(one, ...[one.width, one.height].map(
        side => Math.max(1, Math.round(side * factor))));
      const whole = sized(image, scale), sides = [image.width, image.height, image.width, image.height];
      const inPixels = ({box, score}) => ({score, box: box.map((edge, k) => edge * sides[k])});
      const near = this.cells(whole).map(inPixels);
      const far = twice ? this.cells(sized(whole, 1 / shrunk)).map(inPixels) : [];
      const left = near.concat(far.filter(({box}) => box[2] - box[0] >= large)).sort((a, b) => b.score - a.score);
      const stay = [];
      for (const one of left) if (stay.every(other => shared(other, one) <= iou)) stay.push(one);
      return stay.map(({box, score}) => {
        const lengths = [box[2] - box[0], box[3] - box[1]];
        return {score, box: box.map((edge, k) => Math.min(Math.max(edge + lengths[k % 2] * margins[k], 0), sides[k]))};
      }).filter(({box, score}) => box[2] - box[0] >= smallest && box[3] > box[1] &&
        score >= threshold + stricter * (box[2] - box[0] < narrow));
    }
  }

  window.maskdet = Object.assign(window.maskdet ?? {}, {Detector, resized});
})();
