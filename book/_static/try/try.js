/* The page *Try it*: a face, one pixel, and what the network says of it. */
"use strict";

(() => {
  const {SIDE, CORNERS, changed, margin, Search} = window.maskdet;
  const {classes, faces, bytes} = window.maskdet;
  const element = name => document.getElementById(`try-${name}`);
  const hex = colour => "#" + colour.map(value => value.toString(16).padStart(2, "0")).join("");
  const rgb = text => [1, 3, 5].map(at => parseInt(text.slice(at, at + 2), 16));
  const NAMES = ["black", "blue", "green", "cyan", "red", "magenta", "yellow", "white"];   // of the corners
  const RAMP = [[13, 8, 60], [98, 28, 130], [190, 55, 90], [245, 140, 40], [252, 250, 160]];   // dark to bright

  const state = {networks: null, network: "figure2", image: null, pixel: null, search: null, running: false};

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

  function paintMap() {
    const {moved, flips, own, asked, all, worst} = state.search;
    const most = Math.max(own, ...moved), image = new Float32Array(3 * SIDE * SIDE);
    moved.forEach((value, n) => image.set(flips[n] ? [0, 255, 255] : shade(value / most), 3 * n));
    paint(element("map"), image);
    element("legend").textContent = worst === null ? "" :
      `Dark: a pixel there moves the margin by 0. Bright: by ${most.toFixed(1)}. Cyan: it turns the decision.`;
    element("progress").textContent = `${asked.toLocaleString("en")} of ${all.toLocaleString("en")} questions asked.` +
      (worst === null ? "" : ` Worst so far: row ${worst.row}, column ${worst.column}, ${name(worst.colour)}: ` +
       `margin ${own.toFixed(2)} to ${worst.margin.toFixed(2)}.`) +
      (asked < all || state.search.found ? "" : " No corner flips this face.");
  }

  const name = colour => NAMES[CORNERS.findIndex(corner => hex(corner) === hex(colour))] ?? hex(colour);

  function paintFace() {
    const {image, pixel} = state;
    paint(element("face"), pixel ? changed(image, pixel) : image);
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
    const {image, pixel} = state, network = state.networks[state.network], own = network.logits(image, 1);
    const shown = pixel ? network.logits(changed(image, pixel), 1) : own;
    bars(shown, pixel ? Number(own[1] > own[0]) : null);
    paintFace();
  }

  /* What the reader does */

  function setPixel(pixel) {
    state.pixel = pixel;
    element("row").value = pixel.row;
    element("column").value = pixel.column;
    element("colour").value = hex(pixel.colour);
    say();
  }

  /** The pixel as the fields have it. */
  function field() {
    const whole = input => Math.min(Math.max(Math.round(Number(input.value)) || 0, 0), SIDE - 1);
    return {row: whole(element("row")), column: whole(element("column")), colour: rgb(element("colour").value)};
  }

  function show(image) {
    state.image = image;
    restart();
  }

  /** Forget pixel and search: another face, or another network. */
  function restart() {
    state.pixel = null;
    state.running = false;
    state.search = new Search(state.networks[state.network], state.image);
    element("search").textContent = "Search";
    element("search").disabled = false;
    say();
    paintMap();
  }

  async function search() {
    if (state.running) {
      state.running = false;
      return;
    }
    const mine = state.search, had = mine.found;
    let places = 4;
    state.running = true;
    element("search").textContent = "Stop";
    while (state.running && state.search === mine && (had || !mine.found)) {
      const start = performance.now();
      if (!mine.next(places)) break;
      places = performance.now() - start < 40 ? Math.min(places + 2, 40) : Math.max(places - 2, 1);
      paintMap();
      await new Promise(requestAnimationFrame);
    }
    if (state.search !== mine) return;   // another face has been chosen meanwhile
    state.running = false;
    element("search").textContent = mine.asked < mine.all ? "Search on" : "All asked";
    element("search").disabled = mine.asked === mine.all;
    if (mine.found) setPixel(mine.worst);
    paintMap();
  }

  /* Pointers and keys */

  const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

  function listen() {
    const face = element("face");
    const point = event => {
      const box = face.getBoundingClientRect(), inside = at => Math.min(Math.max(Math.floor(at * SIDE), 0), SIDE - 1);
      setPixel({...field(), row: inside((event.clientY - box.top) / box.height),
                column: inside((event.clientX - box.left) / box.width)});
    };
    face.addEventListener("pointerdown", point);
    face.addEventListener("pointermove", event => event.buttons && point(event));
    face.addEventListener("keydown", event => {
      const move = ARROWS[event.key];
      if (!move) return;
      event.preventDefault();
      const {row, column, colour} = field(), inside = at => Math.min(Math.max(at, 0), SIDE - 1);
      setPixel({row: inside(row + move[0]), column: inside(column + move[1]), colour});
    });
    for (const one of ["row", "column", "colour"]) element(one).addEventListener("input", () => setPixel(field()));
    element("clear").addEventListener("click", () => {
      state.pixel = null;
      say();
    });
    element("search").addEventListener("click", search);
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
        element("cut").hidden = true;
        show(image);
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
      });
      label.append(input, ` ${one} `);
      return label;
    }));
    buttons[0].click();
  }

  /* A photograph of the reader's own: it is drawn on a canvas, and sent nowhere. */

  const own = {bitmap: null, x: 0.5, y: 0.5};   // the frame's centre, as shares of the sides

  function frame() {
    const {bitmap} = own, side = Math.min(bitmap.width, bitmap.height) * Number(element("size").value) / 100;
    const inside = (share, whole) => Math.min(Math.max(share * whole - side / 2, 0), whole - side);
    return {left: inside(own.x, bitmap.width), top: inside(own.y, bitmap.height), side};
  }

  function cut() {
    const {bitmap} = own, canvas = element("photograph"), pen = canvas.getContext("2d");
    const {left, top, side} = frame(), scale = canvas.width / bitmap.width;
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    pen.lineWidth = 3;
    for (const [colour, dash] of [["#000", []], ["#fff", [6, 6]]]) {
      pen.strokeStyle = colour;
      pen.setLineDash(dash);
      pen.strokeRect(left * scale, top * scale, side * scale, side * scale);
    }
    const small = new OffscreenCanvas(SIDE, SIDE).getContext("2d");
    small.imageSmoothingQuality = "high";
    small.drawImage(bitmap, left, top, side, side, 0, 0, SIDE, SIDE);
    const found = small.getImageData(0, 0, SIDE, SIDE).data, image = new Float32Array(3 * SIDE * SIDE);
    for (let n = 0; n < SIDE * SIDE; n++) image.set(found.subarray(4 * n, 4 * n + 3), 3 * n);
    show(image);
  }

  function listenToPhotograph() {
    const canvas = element("photograph");
    element("file").addEventListener("change", async event => {
      const [file] = event.target.files;
      if (!file) return;
      try {
        own.bitmap = await createImageBitmap(file, {imageOrientation: "from-image"});
      } catch {
        element("status").textContent = `Expected a photograph that this browser can read, got ${file.name}.`;
        return;
      }
      element("status").textContent = "";
      for (const other of element("faces").children) other.setAttribute("aria-pressed", "false");
      canvas.width = 320;
      canvas.height = Math.max(1, Math.round(320 * own.bitmap.height / own.bitmap.width));
      element("cut").hidden = false;
      cut();
    });
    const drag = event => {
      const box = canvas.getBoundingClientRect();
      own.x = (event.clientX - box.left) / box.width;
      own.y = (event.clientY - box.top) / box.height;
      cut();
    };
    canvas.addEventListener("pointerdown", drag);
    canvas.addEventListener("pointermove", event => event.buttons && drag(event));
    canvas.addEventListener("keydown", event => {
      const move = ARROWS[event.key];
      if (!move) return;
      event.preventDefault();
      const inside = at => Math.min(Math.max(at, 0), 1);
      own.y = inside(own.y + move[0] / 50);
      own.x = inside(own.x + move[1] / 50);
      cut();
    });
    element("size").addEventListener("input", cut);
  }

  /* Start */

  element("status").textContent = "Starting the networks …";
  window.maskdet.start(window.maskdet).then(networks => {
    state.networks = window.maskdet.ready = networks;
    listen();
    listenToPhotograph();
    fill();
    element("status").textContent = "";
    element("app").hidden = false;
  }).catch(error => {
    element("status").textContent = `The networks did not start: ${error.message}.`;
  });
})();
