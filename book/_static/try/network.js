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
    depthwise: ([x], [kernel, bias], step) => tf.add(tf.depthwiseConv2d(x, kernel, 1, step.padding), bias),
    border: ([x]) => tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]),
    doubled: ([x]) => tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]),
    maximum: ([x], _, step) => tf.maxPool(x, step.size, step.stride, step.padding),
    relu: ([x]) => tf.relu(x),
    mean: ([x]) => tf.mean(x, [1, 2]),
    flatten: ([x]) => tf.reshape(x, [x.shape[0], -1]),
    sum: ([x, y]) => tf.add(x, y),
  };

  class Network {
    constructor({steps, shapes, values, outputs}) {
      const all = new Float32Array(bytes(values).buffer);
      let start = 0;
      this.steps = steps;
      this.outputs = outputs ?? [steps.length];   // the last step, or those that are named
      this.arrays = shapes.map(shape => {
        const size = shape.reduce((product, side) => product * side, 1);
        return tf.tensor(all.subarray(start, start += size), shape);
      });
    }

    /** The outputs, each {shape, values}, of images: numbers of 0 to 255 in the shape [count, rows, columns, 3]. */
    run(images, shape) {
      const outputs = tf.tidy(() => {
        const known = [tf.tensor4d(images, shape)];
        for (const step of this.steps) {
          const arrays = step.arrays.map(number => this.arrays[number]);
          known.push(KINDS[step.kind](step.inputs.map(number => known[number]), arrays, step));
        }
        return this.outputs.map(number => known[number]);
      });
      return outputs.map(output => {
        const found = {shape: output.shape, values: output.dataSync()};
        output.dispose();
        return found;
      });
    }

    /** Logits (N, 2), as one row of numbers, of `count` images: Float32Array (count x 50 x 50 x 3) of 0 to 255. */
    logits(images, count) {
      return this.run(images, [count, 50, 50, 3])[0].values;
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

  window.maskdet = Object.assign(window.maskdet ?? {}, {bytes, Network, start: networks});
})();
