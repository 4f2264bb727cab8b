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

  // `turn`: that of the search that runs, or 0.
  const state = {networks: null, network: "figure2", image: null, pixel: null, search: null, turn: 0};

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
    const most = moved.reduce((one, other) => other > one ? other : one, own);   // what was not asked is not a number
    const image = new Float32Array(3 * SIDE * SIDE);
    const shown = (value, n) => isNaN(value) ? [128, 128, 128] : flips[n] ? [0, 255, 255] : shade(value / most);
    moved.forEach((value, n) => image.set(shown(value, n), 3 * n));
    paint(element("map"), image);
    element("legend").textContent = worst === null ? "" :
      `Dark: a pixel there moves the margin by 0. Bright: by ${most.toFixed(1)}. Cyan: it turns the decision.` +
      (moved.some(isNaN) ? " Grey: not asked yet." : "");
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
    const {image, pixel} = state, {network, logits, label} = state.search;
    bars(pixel ? network.logits(changed(image, pixel), 1) : logits, pixel ? label : null);
    paintFace();
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

  function show(image) {
    state.image = image;
    restart();
  }

  /** Forget pixel and search: another face, or another network. */
  function restart() {
    state.pixel = null;
    state.turn = 0;
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
    element("search").textContent = asked === 0 ? "Search" : asked < all ? "Search on" : "All asked";
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
        element("fault").textContent = "";
        element("file").value = "";   // so that the same photograph can be chosen again
        own.chosen++;
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

  const own = {bitmap: null, x: 0.5, y: 0.5, chosen: 0};   // the frame's centre, as shares of the sides

  function cut() {
    const {bitmap} = own, canvas = element("photograph"), pen = canvas.getContext("2d");
    const side = Math.min(bitmap.width, bitmap.height) * Number(element("size").value) / 100;
    const inside = (share, whole) => Math.min(Math.max(share * whole, side / 2), whole - side / 2) / whole;
    own.x = inside(own.x, bitmap.width);
    own.y = inside(own.y, bitmap.height);
    const left = own.x * bitmap.width - side / 2, top = own.y * bitmap.height - side / 2;
    const scale = canvas.width / bitmap.width;
    const small = Object.assign(document.createElement("canvas"), {width: SIDE, height: SIDE}).getContext("2d");
    for (const one of [pen, small]) {   // what is transparent is white
      one.fillStyle = "#fff";
      one.fillRect(0, 0, one.canvas.width, one.canvas.height);
    }
    small.imageSmoothingQuality = "high";
    small.drawImage(bitmap, left, top, side, side, 0, 0, SIDE, SIDE);
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    pen.lineWidth = 3;
    for (const [colour, dash] of [["#000", []], ["#fff", [6, 6]]]) {
      pen.strokeStyle = colour;
      pen.setLineDash(dash);
      pen.strokeRect(left * scale, top * scale, side * scale, side * scale);
    }
    const found = small.getImageData(0, 0, SIDE, SIDE).data, image = new Float32Array(3 * SIDE * SIDE);
    for (let n = 0; n < SIDE * SIDE; n++) image.set(found.subarray(4 * n, 4 * n + 3), 3 * n);
    show(image);
  }

  const cutSoon = framed(cut);

  async function open(file) {
    const chosen = ++own.chosen;
    let bitmap;
    element("fault").textContent = "";
    try {
      bitmap = await createImageBitmap(file, {imageOrientation: "from-image"});
    } catch {
      if (chosen === own.chosen) {
        element("fault").textContent = `Expected a photograph that this browser reads, got ${file.name}.`;
      }
      return;
    }
    if (chosen !== own.chosen) return;   // something else has been chosen meanwhile
    own.bitmap?.close();
    Object.assign(own, {bitmap, x: 0.5, y: 0.5});
    for (const other of element("faces").children) other.setAttribute("aria-pressed", "false");
    element("photograph").height = Math.max(1, Math.round(element("photograph").width * bitmap.height / bitmap.width));
    element("cut").hidden = false;
    cut();
  }

  function listenToPhotograph() {
    const canvas = element("photograph");
    element("file").addEventListener("change", event => event.target.files[0] && open(event.target.files[0]));
    const drag = event => {
      const box = canvas.getBoundingClientRect();
      own.x = (event.clientX - box.left) / box.width;
      own.y = (event.clientY - box.top) / box.height;
      cutSoon();
    };
    canvas.addEventListener("pointerdown", drag);
    canvas.addEventListener("pointermove", event => event.buttons && drag(event));
    onArrows(canvas, (down, right) => {
      own.y += down / 50;
      own.x += right / 50;
      cut();
    });
    element("size").addEventListener("input", cutSoon);
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
