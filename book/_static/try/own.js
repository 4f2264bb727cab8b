/* A photograph of the reader's own, or the camera: drawn on a canvas, searched for faces, and sent nowhere. */
"use strict";

(() => {
  const {SIDE, Detector, resized} = window.maskdet;
  const LIVE = {longest: 320, twice: false};   // of a camera's picture: faces near the camera are large
  const LARGEST = 4096;   // pixels of a photograph's longer side: what a browser's canvas holds anywhere
  const element = name => document.getElementById(`try-${name}`);

  /** The pixels of a canvas, bitmap or video as {width, height, values}; what is transparent is white. */
  function pixels(picture, width, height) {
    const canvas = Object.assign(document.createElement("canvas"), {width, height});
    const pen = canvas.getContext("2d", {willReadFrequently: true});
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    pen.drawImage(picture, 0, 0, width, height);
    const found = pen.getImageData(0, 0, width, height).data, values = new Float32Array(3 * width * height);
    for (let n = 0; n < width * height; n++) values.set(found.subarray(4 * n, 4 * n + 3), 3 * n);
    return {width, height, values};
  }

  const told = count => `${count || "No"} face${count === 1 ? "" : "s"}`;

  /** The part of an image inside a box, as the networks see it: Float32Array, SIDE x SIDE x 3. */
  function cut(image, box) {
    const whole = box.map((edge, k) => Math.min(Math.max(Math.round(edge), 0), k % 2 ? image.height : image.width));
    const [left, top] = whole, width = Math.max(1, whole[2] - left), height = Math.max(1, whole[3] - top);
    const values = new Float32Array(3 * width * height);
    for (let row = 0; row < height; row++) {
      const from = 3 * ((top + row) * image.width + left);
      values.set(image.values.subarray(from, from + 3 * width), 3 * row * width);
    }
    return resized({width, height, values}, SIDE, SIDE).values;
  }

  class Own {
    /** `show(face)` takes the face that is chosen; `say(face)` gives what the network says of one, as text. */
    constructor(data, {show, say, leave}) {
      Object.assign(this, {detector: new Detector(data), show, say, leave, chosen: 0, stream: null});
      element("file").addEventListener("change", event => event.target.files[0] && this.open(event.target.files[0]));
      element("camera").addEventListener("click", () => this.stream ? this.take() : this.start());
      element("stop").addEventListener("click", () => this.close());
      document.addEventListener("visibilitychange", () => document.hidden && this.stream && this.close());
      const canvas = element("photograph"), drag = event => {
        const place = canvas.getBoundingClientRect();
        this.frame((event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height);
      };
      canvas.addEventListener("pointerdown", drag);
      canvas.addEventListener("pointermove", event => event.buttons && drag(event));
      element("size").addEventListener("input", () => this.frame(...this.middle));
      this.middle = [0.5, 0.5];   // of the frame, as shares of the sides
    }

    /** Nothing of the reader's own is shown any more. */
    close() {
      this.chosen++;
      this.stop();
      Object.assign(this, {image: null, drawn: null, people: [], box: null});
      element("own").hidden = true;
      element("fault").textContent = "";
      element("file").value = "";   // so that the same photograph can be chosen again
    }

    async open(file) {
      this.close();
      const chosen = this.chosen;
      let bitmap;
      try {
        bitmap = await createImageBitmap(file, {imageOrientation: "from-image"});
      } catch {
        if (chosen === this.chosen) {
          element("fault").textContent = `Expected a photograph that this browser reads, got ${file.name}.`;
        }
        return;
      }
      if (chosen === this.chosen) {
        element("own").hidden = false;
        element("people").replaceChildren();
        element("found").textContent = "Looking for faces …";
        await new Promise(resolve => setTimeout(resolve, 30));   // which the page shows first
      }
      if (chosen === this.chosen) this.photograph(bitmap, bitmap.width, bitmap.height);   // nothing else, meanwhile
      bitmap.close();
    }

    /** Look for faces in a picture, and let the reader choose one. */
    photograph(picture, width, height) {
      const less = Math.min(1, LARGEST / Math.max(width, height));
      this.image = pixels(picture, Math.max(1, Math.round(width * less)), Math.max(1, Math.round(height * less)));
      const canvas = element("photograph");
      canvas.height = Math.max(1, Math.round(canvas.width * height / width));
      this.drawn = Object.assign(document.createElement("canvas"), {width: canvas.width, height: canvas.height});
      this.drawn.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      this.people = this.detector.faces(this.image).map(({box}) => this.person(this.image, box));
      element("own").hidden = element("frame").hidden = false;
      element("found").textContent = `${told(this.people.length)} found. ` +
        "Drag the frame onto any other; the network names whatever it gets.";
      this.leave();
      this.label();
      if (this.people.length) element("people").firstChild.click();
      else this.frame(0.5, 0.5);
    }

    /** A button for each face that was found, with what is said of it. */
    label() {
      const buttons = this.people.map((person, n) => {
        const made = document.createElement("button");
        made.type = "button";
        made.textContent = `face ${n + 1}: ${person.said}`;
        made.setAttribute("aria-pressed", person.box === this.box);
        made.addEventListener("click", () => this.choose(person.box, person.face));
        return made;
      });
      element("people").replaceChildren(...buttons);
    }

    /** Another network is asked. */
    renew() {
      if (this.stream || !this.drawn) return;
      for (const person of this.people) person.said = this.say(person.face);
      this.label();
      this.draw(this.drawn, this.people, this.box);
    }

    person(image, box) {
      const face = cut(image, box);
      return {box, face, said: this.say(face)};
    }

    /** The frame, its middle at shares of the sides, is the face. */
    frame(x, y) {
      if (this.stream || !this.image) return;
      const {width, height} = this.image, side = Math.min(width, height) * Number(element("size").value) / 100;
      const inside = (share, whole) => Math.min(Math.max(share * whole, side / 2), whole - side / 2);
      const [across, down] = [inside(x, width), inside(y, height)];
      this.middle = [across / width, down / height];
      const box = [across - side / 2, down - side / 2, across + side / 2, down + side / 2];
      this.choose(box, cut(this.image, box));
    }

    choose(box, face) {
      const {width, height} = this.image;
      this.middle = [(box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height];
      this.box = box;
      [...element("people").children].forEach((one, n) => one.setAttribute("aria-pressed", this.people[n].box === box));
      this.draw(this.drawn, this.people, box);
      this.show(face);
    }

    /** A picture with the boxes of `people` and what is said of them, and the box that is chosen. */
    draw(picture, people, chosen = null) {
      const canvas = element("photograph"), pen = canvas.getContext("2d");
      const {width, height} = this.image, scale = [canvas.width / width, canvas.height / height];
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      pen.font = "bold 13px sans-serif";
      const rectangle = box => [box[0] * scale[0], box[1] * scale[1], (box[2] - box[0]) * scale[0],
                                (box[3] - box[1]) * scale[1]];
      for (const {box, said} of people) {
        const [left, top, wide, tall] = rectangle(box), text = pen.measureText(said).width + 8;
        const from = Math.max(0, Math.min(left - 1.5, canvas.width - text)), above = Math.max(18, top);
        pen.strokeStyle = pen.fillStyle = said.startsWith("masked") ? "#0173b2" : "#b35900";
        pen.lineWidth = 3;
        pen.strokeRect(left, top, wide, tall);
        pen.fillRect(from, above - 18, text, 18);
        pen.fillStyle = "#fff";
        pen.fillText(said, from + 4, above - 5);
      }
      if (!chosen) return;
      pen.lineWidth = 2;
      for (const [colour, dash] of [["#000", []], ["#fff", [6, 6]]]) {
        pen.strokeStyle = colour;
        pen.setLineDash(dash);
        pen.strokeRect(...rectangle(chosen));
      }
      pen.setLineDash([]);
    }

    async start() {
      const chosen = ++this.chosen, video = element("video");
      element("fault").textContent = "";
      if (!navigator.mediaDevices) {
        element("fault").textContent = "Expected a page that may use a camera, got one that may not: open it " +
          "by https, or from this machine.";
        return;
      }
      let stream = null;
      try {
        stream = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}});
        if (chosen !== this.chosen) return stream.getTracks().forEach(track => track.stop());   // something else was
        this.close();
        this.stream = video.srcObject = stream;
        await video.play();
      } catch (error) {
        if (chosen === this.chosen || this.stream === stream) {
          this.close();
          element("fault").textContent = `Expected a camera, got: ${error.message}.`;
        }
        return;
      }
      if (this.stream !== stream) return;
      for (const track of stream.getTracks()) {
        track.addEventListener("ended", () => this.stream === stream && this.close());
      }
      element("own").hidden = element("stop").hidden = false;
      element("frame").hidden = true;
      element("people").replaceChildren();
      element("camera").textContent = "Take this picture";
      this.leave();
      this.live(stream).catch(error => {
        this.close();
        element("fault").textContent = `The camera's pictures could not be searched: ${error.message}.`;
      });
    }

    /** Search each picture of the camera, as fast as they can be searched. */
    async live(stream) {
      const video = element("video"), canvas = element("photograph"), times = [];
      while (this.stream === stream) {
        const {videoWidth: width, videoHeight: height} = video, factor = Math.min(1, 480 / Math.max(width, height));
        this.image = pixels(video, Math.round(width * factor), Math.round(height * factor));
        if (canvas.height !== Math.round(canvas.width * height / width)) {
          canvas.height = Math.round(canvas.width * height / width);
        }
        const people = this.detector.faces(this.image, LIVE).map(({box}) => this.person(this.image, box));
        this.draw(video, people);
        times.push(performance.now());
        if (times.length > 20) times.shift();
        const said = `${told(people.length)}.`;   // which is spoken when it changes, not the rate
        if (element("found").textContent !== said) element("found").textContent = said;
        const rate = 1000 * (times.length - 1) / (times.at(-1) - times[0]);
        element("rate").textContent = times.length > 5 ? `${rate.toFixed(0)} pictures a second` : "";
        await new Promise(requestAnimationFrame);
      }
    }

    /** The camera's picture of this moment becomes the photograph. */
    take() {
      const video = element("video"), {videoWidth: width, videoHeight: height} = video;
      const kept = Object.assign(document.createElement("canvas"), {width, height});
      kept.getContext("2d").drawImage(video, 0, 0);
      this.close();
      this.photograph(kept, width, height);
    }

    stop() {
      this.stream?.getTracks().forEach(track => track.stop());
      this.stream = element("video").srcObject = null;
      element("rate").textContent = "";
      element("stop").hidden = true;
      element("camera").textContent = "or your camera";
    }
  }

  window.maskdet = Object.assign(window.maskdet, {Own});
})();
