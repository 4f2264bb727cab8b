/* The page *Try it*: a face, one pixel, and what the network says of it. */
"use strict";

(() => {
  const {SIDE, CORNERS, changed, margin, Search, Own} = window.maskdet;
  const {classes, faces, bytes, detector} = window.maskdet;
  const element = name => document.getElementById(`try-${name}`);
  const hex = colour => "#" + colour.map(value => value.toString(16).padStart(2, "0")).join("");
  const rgb = text => [1, 3, 5].map(at => parseInt(text.slice(at, at + 2), 16));
  const NAMES = ["black", "blue", "green", "cyan", "red", "magenta", "yellow", "white"];   // of the corners
  const RAMP = [[13, 8, 60], [98, 28, 130], [190, 55, 90], [245, 140, 40], [252, 250, 160]];   // dark to bright

  // `turn`: that of the search that runs, or 0.
  const state = {networks: null, network: "figure2", image: null, called: "", pixel: null, last: null, search: null,
                 turn: 0};

  /* Drawing */

  function paint(canvas, image) {
    const drawn = new ImageData(SIDE, SIDE);
    for (let n = 0; n < SIDE * SIDE; n++) drawn.data.set([...image.subarray(3 * n, 3 * n + 3), 255], 4 * n);
    canvas.getContext("2d").putImageData(drawn, 0, 0);
  }

  /** A colour of the map, of a `share` from 0 to 1. */
  function shade(share) {
    const at = Math.min(Math.max(share, 0), 0.9999) * (RAMP.length - 1), low = Math.floor(at);
    return RAMP[low].map((value, k) => Math.round(value + (at - low) * (RAMP[low + 1][k] - value)));
  }

  /** The map as colours of the places, where it is to be seen. */
  function map() {
    const {moved, flips, own, asked} = state.search;
    if (!element("map").checked || !asked) return null;
    const most = moved.reduce((one, other) => other > one ? other : one, own);   // what was not asked is not a number
    return Array.from(moved, (value, n) => isNaN(value) ? null : flips[n] ? [0, 255, 255] : shade(value / most));
  }

  function paintMap() {
    const {moved, own, asked, all, worst} = state.search;
    const most = moved.reduce((one, other) => other > one ? other : one, own);
    element("legend").textContent = worst === null || !element("map").checked ? "" :
      `Dark: a pixel there hardly moves the margin. Bright: by ${most.toFixed(1)}. Cyan: it turns the decision.`;
    element("progress").textContent = `${asked.toLocaleString("en")} of ${all.toLocaleString("en")} queries made.` +
      (worst === null ? "" : ` Worst so far: row ${worst.row}, column ${worst.column}, ${name(worst.colour)}: ` +
       `margin ${own.toFixed(2)} to ${worst.margin.toFixed(2)}.`) +
      (asked < all || state.search.found ? "" : " No corner flips this face.");
    paintFace();
  }

  const name = colour => NAMES[CORNERS.findIndex(corner => hex(corner) === hex(colour))] ?? hex(colour);

  function paintFace() {
    const {image, pixel} = state, colours = map(), shown = image.slice();
    colours?.forEach((colour, n) => colour?.forEach((value, c) => {
      shown[3 * n + c] = 0.35 * shown[3 * n + c] + 0.65 * value;
    }));
    paint(element("face"), pixel ? changed(shown, pixel) : shown);
  }

  /* What the network says */

  function bars(logits, before) {
    const [bare, masked] = logits, share = 1 / (1 + Math.exp(bare - masked));
    const flipped = before !== null && margin(logits, before) < 0;
    element("said").replaceChildren(...classes.map((label, n) => {
      const value = n ? share : 1 - share, row = document.createElement("p");
      row.className = "try-bar";
      row.style.setProperty("--share", value);
      row.textContent = `${label} ${(100 * value).toFixed(2)} %`;
      return row;
    }));
    const verdict = document.createElement("p");
    verdict.className = flipped ? "try-verdict try-flipped" : "try-verdict";
    verdict.textContent = flipped ? `One pixel flipped the decision: it was ${classes[before]}.`
      : `The logits are ${Math.abs(bare - masked).toFixed(2)} apart.`;
    element("said").append(verdict);
  }

  function say() {
    const {image, pixel} = state, {network, logits, label, own} = state.search;
    const now = pixel ? network.logits(changed(image, pixel), 1) : logits;
    bars(now, pixel ? label : null);
    hint(pixel ? margin(now, label) : null, own);
    paintFace();
  }

  /** Hot or cold: by how much the pixel lowers the margin, beside the one before. */
  function hint(now, own) {
    const last = state.last;
    state.last = now;
    if (now === null) {
      element("hint").textContent = "Set a pixel: the lower the margin, the nearer the decision is to flipping.";
      return;
    }
    const way = `${Math.round(100 * (1 - now / own))} % of the way.`;
    const told = now < 0 ? "You found one!" : now > own ? "Colder: it grows." : last === null || last === now ? way :
      now < last ? `Warmer than your last pixel, ${way}` : `Colder than your last pixel, ${way}`;
    element("hint").textContent = `Margin ${own.toFixed(2)} → ${now.toFixed(2)}. ${told}`;
  }

  /** Call `does` with the next frame, once, however often it is asked for before. */
  function framed(does) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        does();
      });
    };
  }

  const saySoon = framed(say);

  /* What the reader does */

  function setPixel(pixel) {
    if (JSON.stringify(pixel) === JSON.stringify(state.pixel)) return;   // a pointer that moves within a pixel
    state.pixel = pixel;
    element("row").value = pixel.row;
    element("column").value = pixel.column;
    element("colour").value = hex(pixel.colour);
    saySoon();
  }

  /** The pixel as the fields have it. */
  function field() {
    const whole = input => Math.min(Math.max(Math.round(Number(input.value)) || 0, 0), SIDE - 1);
    return {row: whole(element("row")), column: whole(element("column")), colour: rgb(element("colour").value)};
  }

  function show(image, called) {
    Object.assign(state, {image, called});
    restart();
  }

  /** Forget pixel and search: another face, or another network. */
  function restart() {
    Object.assign(state, {pixel: null, turn: 0, last: null});
    element("shared").textContent = "";
    state.search = new Search(state.networks[state.network], state.image);
    rest();
    say();
    paintMap();
  }

  let turns = 0;   // each press of the button that starts a search is one

  async function search() {
    const mine = state.search, had = mine.found, turn = state.turn ? 0 : ++turns;
    state.turn = turn;   // whoever ran before sees that it is no longer its turn
    if (!turn) {
      rest();
      return;
    }
    let places = 4;
    element("search").textContent = "Stop";
    while (mine.asked < mine.all && (had || !mine.found)) {
      const start = performance.now();
      mine.next(places);
      places = performance.now() - start < 40 ? Math.min(places + 2, 40) : Math.max(places - 2, 1);
      paintMap();
      await new Promise(requestAnimationFrame);
      if (state.turn !== turn) return;   // stopped, or another face has been chosen
    }
    state.turn = 0;
    rest();
    if (!had && mine.found) setPixel(mine.worst);
  }

  /** The button of a search that does not run. */
  function rest() {
    const {asked, all} = state.search;
    element("search").textContent = asked === 0 ? "Search" : asked < all ? "Search on" : "All tried";
    element("search").disabled = asked === all;
  }

  /* Pointers and keys */

  const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

  /** Call `does(down, right)` for the arrow keys on an element; with a modifier they are the browser's. */
  function onArrows(target, does) {
    target.addEventListener("keydown", event => {
      const move = ARROWS[event.key];
      if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      does(...move);
    });
  }

  function listen() {
    const face = element("face");
    const point = event => {
      const box = face.getBoundingClientRect(), inside = at => Math.min(Math.max(Math.floor(at * SIDE), 0), SIDE - 1);
      setPixel({...field(), row: inside((event.clientY - box.top) / box.height),
                column: inside((event.clientX - box.left) / box.width)});
    };
    face.addEventListener("pointerdown", point);
    face.addEventListener("pointermove", event => event.buttons && point(event));
    onArrows(face, (down, right) => {
      const {row, column, colour} = field(), inside = at => Math.min(Math.max(at, 0), SIDE - 1);
      setPixel({row: inside(row + down), column: inside(column + right), colour});
    });
    for (const one of ["row", "column", "colour"]) element(one).addEventListener("input", () => setPixel(field()));
    element("clear").addEventListener("click", () => {
      state.pixel = null;
      say();
    });
    element("search").addEventListener("click", search);
    element("map").addEventListener("change", paintMap);
    element("share").addEventListener("click", share);
    onArrows(element("photograph"), (down, right) => state.own.frame(state.own.middle[0] + right / 50,
                                                                     state.own.middle[1] + down / 50));
  }

  /** What was done, as a line of text that others can do again. */
  async function share() {
    const {pixel} = state, {row, column, colour} = pixel ?? field();
    const said = element("said").innerText.split("\n").filter(line => line.includes("%")).join(", ");
    const text = `One pixel: ${state.called}, network ${state.network}, ` +
      (pixel ? `row ${row}, column ${column}, ${hex(colour)}: ` : "no pixel set: ") + said;
    try {
      await navigator.clipboard.writeText(text);
      element("shared").textContent = "Copied.";
    } catch {
      element("shared").textContent = text;   // a browser that keeps its clipboard to itself
    }
  }

  function button(words, does) {
    const made = document.createElement("button");
    made.type = "button";
    made.setAttribute("aria-label", words);
    made.title = words;
    made.addEventListener("click", does);
    return made;
  }

  function fill() {
    const buttons = faces.map(({label, values}, n) => {
      const image = Float32Array.from(bytes(values)), canvas = document.createElement("canvas");
      canvas.width = canvas.height = SIDE;
      paint(canvas, image);
      const made = button(`drawn face ${n + 1}, ${classes[label]}`, () => {
        for (const other of buttons) other.setAttribute("aria-pressed", other === made);
        state.own.close();
        show(image, `drawn face ${n + 1}`);
      });
      made.setAttribute("aria-pressed", "false");
      made.append(canvas);
      return made;
    });
    element("faces").append(...buttons);
    element("corners").append(...CORNERS.map((colour, n) => {
      const made = button(NAMES[n], () => setPixel({...field(), colour}));
      made.style.background = hex(colour);
      return made;
    }));
    element("networks").append(...Object.keys(state.networks).map(one => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, {type: "radio", name: "try-network", value: one, checked: one === state.network});
      input.addEventListener("change", () => {
        state.network = one;
        restart();
        state.own.renew();
      });
      label.append(input, ` ${one} `);
      return label;
    }));
    buttons[0].click();
  }

  /* A photograph of the reader's own */

  /** What the network says of a face, in a word and a share. */
  function told(face) {
    const [bare, masked] = state.networks[state.network].logits(face, 1);
    const share = 1 / (1 + Math.exp(-Math.abs(bare - masked)));
    return `${classes[masked > bare ? 1 : 0]} ${Math.round(100 * share)} %`;
  }

  function leaveGallery() {
    for (const other of element("faces").children) other.setAttribute("aria-pressed", "false");
  }

  /* Start */

  element("status").textContent = "Starting the networks …";
  window.maskdet.start(window.maskdet).then(networks => {
    state.networks = window.maskdet.ready = networks;
    state.own = new Own(detector, {show: face => show(face, "a face of my own"), say: told, leave: leaveGallery});
    listen();
    fill();
    element("status").textContent = "";
    element("app").hidden = false;
  }).catch(error => {
    element("status").textContent = `The networks did not start: ${error.message}.`;
  });
})();
