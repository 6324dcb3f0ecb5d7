// The drawing pad of the web book reads without Python. docs/pad.py writes one script of mnist_helpers/drawing/
// pad.js, which draws the pad, of NETWORK, the weights that `make pad` trained, and of this file, which does what
// Python does in a notebook: it brings drawings into MNIST's format, runs the network, and answers the pad.

const SIDE = 280; // pixels of the paper
const FRAME = 28; // pixels of MNIST's images
const DIGIT = 20; // pixels of a digit's longer side inside its frame

// --- mnist_helpers.drawing.to_mnist_frame: the same grey levels ---

// Halves go to the even neighbour, as in np.rint.
function rint(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + Math.abs(low % 2) : Math.round(value);
}

// np.sum adds in pairs. The order matters where a centre of mass lies halfway between two pixels.
function sum(values, round = (value) => value, from = 0, to = values.length) {
  const count = to - from;
  if (count > 128) {
    const half = from + (count >> 1) - ((count >> 1) % 8);
    return round(sum(values, round, from, half) + sum(values, round, half, to));
  }
  const add = (first, second) => round(first + second);
  const strided = count - (count % 8);
  let total = 0;
  if (strided) {
    const parts = Array.from(values.subarray(from, from + 8));
    for (let i = 8; i < strided; i++) parts[i % 8] = add(parts[i % 8], values[from + i]);
    const [a, b, c, d, e, f, g, h] = parts;
    total = add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h)));
  }
  for (let i = from + strided; i < to; i++) total = add(total, values[i]);
  return total;
}

// Scale the rows of an image to a length, with Pillow's BOX filter, and exchange its rows and columns.
function scaleAndTurn(image, height, width, length) {
  const scaled = new Float32Array(length * height);
  const scale = width / length;
  const reach = Math.max(scale, 1);
  for (let x = 0; x < length; x++) {
    const centre = (x + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - reach / 2 + 0.5));
    const to = Math.min(width, Math.trunc(centre + reach / 2 + 0.5));
    const covered = [];
    for (let column = from; column < to; column++) {
      const distance = (column - centre + 0.5) * (1 / reach);
      if (distance > -0.5 && distance <= 0.5) covered.push(column);
    }
    for (let y = 0; y < height; y++) {
      let mean = 0;
      for (const column of covered) mean += image[y * width + column] * (1 / covered.length);
      scaled[x * height + y] = mean;
    }
  }
  return scaled;
}

const turn = (image, height, width) => image.map((_, i) => image[(i % height) * width + Math.floor(i / height)]);

// Pillow 13 scales rows before columns, but columns first where ink of 40 pixels or more is over twice as tall as wide.
// The order changes last bits, and these decide where a centre of mass lies halfway between two pixels.
function scale(ink, height, width, newHeight, newWidth) {
  if (height > 2 * width) {
    return turn(scale(turn(ink, height, width), width, height, newWidth, newHeight), newWidth, newHeight);
  }
  return scaleAndTurn(scaleAndTurn(ink, height, width, newWidth), newWidth, height, newHeight);
}

// Cut away the rows and columns without ink at each side; null if there is no ink at all.
function crop(pixels, width) {
  let [top, bottom, left, right, most] = [Infinity, -1, Infinity, -1, 0];
  pixels.forEach((ink, i) => {
    if (!ink) return;
    const [y, x] = [Math.floor(i / width), i % width];
    [top, bottom, left, right] = [Math.min(top, y), Math.max(bottom, y), Math.min(left, x), Math.max(right, x)];
    most = Math.max(most, ink);
  });
  if (!most) return null;
  const size = [bottom - top + 1, right - left + 1];
  const inside = (_, i) => pixels[(top + Math.floor(i / size[1])) * width + left + (i % size[1])] / most;
  return [Float32Array.from({ length: size[0] * size[1] }, inside), ...size];
}

// Pixels are grey values from 0 (paper) up (ink), row by row; the frame's are from 0 to 255.
function toMnistFrame(pixels, width) {
  const frame = new Uint8Array(FRAME * FRAME);
  const cut = crop(pixels, width);
  if (!cut) return frame;
  const [ink, inkHeight, inkWidth] = cut;
  const size = (side) => Math.max(1, rint((DIGIT * side) / Math.max(inkHeight, inkWidth)));
  const [height, wide] = [size(inkHeight), size(inkWidth)];
  const digit = scale(ink, inkHeight, inkWidth, height, wide);
  const mass = sum(digit, Math.fround);
  const place = (length, along) => {
    const centre = sum(Float64Array.from(digit, (value, i) => value * along(i))) / mass;
    return Math.min(FRAME - length, Math.max(0, rint(FRAME / 2 - centre)));
  };
  const top = place(height, (i) => Math.floor(i / wide));
  const left = place(wide, (i) => i % wide);
  const most = digit.reduce((first, second) => Math.max(first, second));
  digit.forEach((value, i) => {
    const grey = Math.fround(Math.fround(255 * value) / most);
    frame[(top + Math.floor(i / wide)) * FRAME + left + (i % wide)] = rint(grey);
  });
  return frame;
}

// --- the network ---

// float16, little-endian, in base64
function decode(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const halves = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
    const half = halves.getUint16(2 * i, true);
    const [exponent, fraction] = [(half >> 10) & 31, (half & 1023) / 1024];
    return (half >> 15 ? -1 : 1) * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
  });
}

// An image is a square with several values (channels) per pixel; the kernel's shape is [rows, columns, in, out].
function convolve(image, kernel, bias) {
  const [reach, , depth, filters] = kernel.shape;
  const side = image.side - reach + 1;
  const values = new Float32Array(side * side * filters);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const goal = values.subarray((y * side + x) * filters, (y * side + x + 1) * filters);
      goal.set(bias.values);
      for (let dy = 0; dy < reach; dy++) {
        const start = ((y + dy) * image.side + x) * depth; // reach * depth values stand side by side
        for (let i = 0; i < reach * depth; i++) {
          const value = image.values[start + i];
          const weights = (dy * reach * depth + i) * filters;
          for (let filter = 0; filter < filters; filter++) {
            goal[filter] += value * kernel.values[weights + filter];
          }
        }
      }
    }
  }
  return { side, depth: filters, values };
}

// The largest of 2 x 2 pixels, or 0 if it is negative.
function poolAndRectify({ side, depth, values }) {
  const half = side >> 1;
  const pooled = new Float32Array(half * half * depth);
  for (let y = 0; y < 2 * half; y++) {
    for (let x = 0; x < 2 * half; x++) {
      const goal = ((y >> 1) * half + (x >> 1)) * depth;
      for (let i = 0; i < depth; i++) {
        pooled[goal + i] = Math.max(pooled[goal + i], values[(y * side + x) * depth + i]);
      }
    }
  }
  return { side: half, depth, values: pooled };
}

function connect(inputs, kernel, bias) {
  const outputs = Float32Array.from(bias.values);
  inputs.forEach((value, i) => {
    if (!value) return;
    for (let unit = 0; unit < outputs.length; unit++) {
      outputs[unit] += value * kernel.values[i * outputs.length + unit];
    }
  });
  return outputs;
}

function softmax(scores) {
  const most = Math.max(...scores);
  const shares = Array.from(scores, (score) => Math.exp(score - most));
  const total = shares.reduce((first, second) => first + second);
  return shares.map((share) => share / total);
}

const weights = decode(NETWORK.weights);
let used = 0;
const arrays = NETWORK.shapes.map((shape) => {
  const start = used;
  used += shape.reduce((first, second) => first * second);
  return { shape, values: weights.subarray(start, used) };
});

// Return the ten probabilities, and what the first convolution makes of the frame.
function read(frame) {
  const { scale, offset } = NETWORK;
  let image = { side: FRAME, depth: 1, values: Float32Array.from(frame, (grey) => scale * grey + offset) };
  let maps = null;
  let values = null;
  for (let i = 0; i < arrays.length; i += 2) {
    const [kernel, bias] = [arrays[i], arrays[i + 1]];
    if (kernel.shape.length === 4) {
      image = convolve(image, kernel, bias);
      maps ??= image;
      image = poolAndRectify(image);
      values = image.values;
    } else {
      values = connect(values, kernel, bias);
      if (i + 2 < arrays.length) values = values.map((value) => Math.max(0, value));
    }
  }
  return { probabilities: softmax(values), maps };
}

// --- the page ---

// Stands in for anywidget's model: `save_changes` asks Python there, and this page here.
function makeModel(showMaps) {
  const values = { side: SIDE, probabilities: [], error: "", asked: 0, answered: 0 };
  Object.assign(values, { pixels: new DataView(new ArrayBuffer(0)), frame: new DataView(new ArrayBuffer(FRAME ** 2)) });
  const listeners = {};
  const tell = (name) => listeners[`change:${name}`]?.forEach((listener) => listener());
  return {
    get: (name) => values[name],
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    off: (event, listener) => (listeners[event] = listeners[event].filter((each) => each !== listener)),
    set(name, value) {
      values[name] = value;
      tell(name);
    },
    save_changes() {
      const frame = toMnistFrame(new Uint8Array(values.pixels.buffer), SIDE);
      const found = frame.some(Boolean) ? read(frame) : { probabilities: [], maps: null };
      values.frame = new DataView(frame.buffer);
      values.probabilities = found.probabilities;
      values.answered = values.asked;
      showMaps(found.maps);
      tell("answered");
    },
  };
}

const MAPS = `
  <div class="pad-grid" role="img" aria-label="Feature maps of the first convolution"></div>
  <p>Its first layer: 16 filters, each black where it finds its piece of a stroke.</p>`;

for (const place of document.querySelectorAll(".pad-place")) {
  const side = document.createElement("div");
  side.className = "pad-maps";
  side.innerHTML = MAPS;
  const [size, filters] = [FRAME - arrays[0].shape[0] + 1, arrays[0].shape[3]];
  const sheets = Array.from({ length: filters }, () => document.createElement("canvas"));
  for (const sheet of sheets) sheet.width = sheet.height = size;
  side.firstElementChild.append(...sheets);
  const showMaps = (maps) => {
    sheets.forEach((sheet, filter) => {
      const map = Float32Array.from({ length: size ** 2 }, (_, i) => maps?.values[i * filters + filter] ?? 0);
      const most = Math.max(...map); // of each map, so that weak filters are seen too
      const ink = Uint8Array.from(map, (value) => (value > 0 ? (255 * value) / most : 0));
      paint(sheet.getContext("2d"), new DataView(ink.buffer));
    });
  };
  render({ model: makeModel(showMaps), el: place });
  place.querySelector(".drawing-pad").append(side);
  place.classList.add("pad-live");
}

// For the console, and for the test that compares this page with Python.
globalThis.drawingPad = { toMnistFrame, read };
