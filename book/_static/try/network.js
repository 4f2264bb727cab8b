/* A network of the page *Try it*, run by TensorFlow.js: the steps that `maskdet/playground.py` wrote. */
"use strict";

(() => {
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));

  /** What each kind of step computes of its inputs and arrays. */
  const KINDS = {
    affine: ([x], [factor, offset]) => tf.add(tf.mul(x, factor), offset),
    convolution: ([x], [kernel, bias], step) => {
      const sums = tf.add(tf.conv2d(x, kernel, step.stride, step.padding), bias);
      return step.relu ? tf.relu(sums) : sums;
    },
    dense: ([x], [kernel, bias], step) => {
      const sums = tf.add(tf.matMul(x, kernel), bias);
      return step.relu ? tf.relu(sums) : sums;
    },
    maximum: ([x], _, step) => tf.maxPool(x, step.size, step.stride, step.padding),
    relu: ([x]) => tf.relu(x),
    mean: ([x]) => tf.mean(x, [1, 2]),
    flatten: ([x]) => tf.reshape(x, [x.shape[0], -1]),
    sum: ([x, y]) => tf.add(x, y),
  };

  class Network {
    constructor({steps, shapes, values}) {
      const all = new Float32Array(bytes(values).buffer);
      let start = 0;
      this.steps = steps;
      this.arrays = shapes.map(shape => {
        const size = shape.reduce((product, side) => product * side, 1);
        return tf.tensor(all.subarray(start, start += size), shape);
      });
    }

    /** Logits (N, 2), as one row of numbers, of `count` images: Float32Array (count x 50 x 50 x 3) of 0 to 255. */
    logits(images, count) {
      const out = tf.tidy(() => {
        const known = [tf.tensor4d(images, [count, 50, 50, 3])];
        for (const step of this.steps) {
          const arrays = step.arrays.map(number => this.arrays[number]);
          known.push(KINDS[step.kind](step.inputs.map(number => known[number]), arrays, step));
        }
        return known.at(-1);
      });
      const values = out.dataSync();
      out.dispose();
      return values;
    }
  }

  /** Start the runtime, and the networks by name. Rejects where the browser has no WebAssembly with SIMD. */
  async function networks({networks: found, runtime}) {
    const file = "tfjs-backend-wasm";
    tf.wasm.setWasmPaths({[`${file}.wasm`]: runtime, [`${file}-simd.wasm`]: runtime,
                          [`${file}-threaded-simd.wasm`]: runtime});
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    if (!await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) {
      throw new Error("expected a browser with WebAssembly and its SIMD instructions, got one without");
    }
    if (!await tf.setBackend("wasm")) {
      throw new Error("expected the runtime to start, got a refusal: see the browser's console");
    }
    return Object.fromEntries(Object.entries(found).map(([name, one]) => [name, new Network(one)]));
  }

  window.maskdet = Object.assign(window.maskdet ?? {}, {bytes, start: networks});
})();
