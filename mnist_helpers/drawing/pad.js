// The page of mnist_helpers.drawing.DrawingPad: an anywidget module without dependencies.

const PEN = 24; // width of a stroke in pixels: a digit that fills the pad is then as thick as MNIST's
const STEP = 8; // pixels that an arrow key moves the pen
const INTERVAL = 100; // milliseconds between two messages to the kernel while a stroke is drawn
const MEMORY = 50; // strokes that can be undone
const PATIENCE = 3000; // milliseconds without an answer before the page reports it
const LATE = "No answer yet: is the kernel busy? If it was restarted, run the cell again.";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const PAGE = `
  <div class="pad-paper">
    <div class="pad-sheet">
      <canvas class="pad-canvas" tabindex="0" role="application"></canvas>
      <div class="pad-pen" hidden></div>
    </div>
    <button class="pad-undo" type="button">Undo</button>
    <button class="pad-clear" type="button">Clear</button>
    <p class="pad-help">Draw one digit, large, with mouse, finger or pen. Keys: arrows move the pen (two at once:
      slanted), Space puts it down or lifts it, Z takes the last stroke back, C clears.</p>
  </div>
  <div class="pad-side">
    <p class="pad-answer" role="status"></p>
    <ol class="pad-bars" aria-label="Probability of each digit"></ol>
    <canvas class="pad-frame" role="img" aria-label="What the network sees: 28 by 28 pixels"
      width="28" height="28"></canvas>
    <p>What the network sees: 28 × 28</p>
  </div>
  <p class="pad-error" role="alert" hidden></p>`;

const BAR = (digit) => `
  <li data-digit="${digit}"><span>${digit}</span><span class="pad-track"><span class="pad-fill"></span></span>
    <span class="pad-value"></span></li>`;

// Ink is the opacity of a pixel: the style sheet draws the paper.
function paint(context, ink) {
  const { width, height } = context.canvas;
  const image = context.createImageData(width, height);
  for (let i = 0; i < ink.byteLength; i++) image.data[4 * i + 3] = ink.getUint8(i);
  context.putImageData(image, 0, 0);
}

function readInk(context) {
  const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  const ink = Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3]);
  return new DataView(ink.some(Boolean) ? ink.buffer : new ArrayBuffer(0));
}

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "drawing-pad";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Drawing pad");
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // otherwise Jupyter copies the cell when C is pressed
  root.innerHTML = PAGE;
  el.append(root);
  const find = (name) => root.querySelector(`.pad-${name}`);
  const [canvas, pen, answer, error, undoButton] = ["canvas", "pen", "answer", "error", "undo"].map(find);
  find("bars").innerHTML = Array.from({ length: 10 }, (_, digit) => BAR(digit)).join("");
  find("help").id = `pad-help-${Math.random().toString(36).slice(2)}`; // a page may have several pads
  canvas.setAttribute("aria-describedby", find("help").id);
  const side = model.get("side");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const frame = find("frame").getContext("2d");
  Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });

  let position = [side / 2, side / 2]; // of the pen
  let isDown = false; // of the pen that keys move
  let pointer = null; // id of the pointer that draws
  let sendTimer = null;
  let lateTimer = null;
  let isLate = false; // no answer has come within PATIENCE
  let isSending = false; // the pixels change because this view sets them
  let hasChanged = false; // the pixels differ from those sent last
  const past = []; // the ink before each stroke
  const heldKeys = new Set(); // arrow keys, so that two at once move the pen diagonally

  function send() {
    clearTimeout(sendTimer);
    sendTimer = null;
    isSending = true;
    hasChanged = false;
    model.set("pixels", readInk(context));
    isSending = false;
    if (hasChanged) {
      model.set("asked", model.get("asked") + 1);
      model.save_changes();
      clearTimeout(lateTimer);
      isLate = false;
      lateTimer = setTimeout(() => {
        isLate = true;
        showStatus();
      }, PATIENCE);
    }
    showStatus();
  }

  const sendSoon = () => (sendTimer ??= setTimeout(send, INTERVAL));

  function lineTo(next) {
    context.beginPath();
    context.moveTo(...position);
    context.lineTo(...next);
    context.stroke();
    position = next;
    sendSoon();
  }

  function setInk(ink) {
    context.clearRect(0, 0, side, side);
    if (ink.byteLength) paint(context, ink);
  }

  const showUndo = () => undoButton.setAttribute("aria-disabled", String(!past.length));

  function remember() {
    past.push(readInk(context));
    if (past.length > MEMORY) past.shift();
    showUndo();
  }

  function undo() {
    if (pointer !== null || !past.length) return;
    setInk(past.pop());
    isDown = false;
    showUndo();
    showPen();
    send();
  }

  function clear() {
    if (pointer !== null) return;
    if (readInk(context).byteLength) remember();
    context.clearRect(0, 0, side, side);
    isDown = false;
    position = [side / 2, side / 2];
    showPen();
    send();
  }

  function putPen(down) {
    isDown = down;
    if (isDown) {
      remember();
      lineTo(position);
    } else send();
    showStatus();
  }

  // The ring shows the pen to people who use keys.
  function showPen(visible = !pen.hidden) {
    pen.hidden = !visible;
    pen.classList.toggle("pad-down", isDown);
    [pen.style.left, pen.style.top] = position.map((at) => `${(100 * at) / side}%`);
    canvas.setAttribute("aria-label", `Drawing area, pen ${isDown ? "down" : "up"}`);
  }

  // Screen readers announce each change of this text, so it stays the same until a stroke is finished.
  function showStatus() {
    if (pointer !== null) return;
    const all = model.get("probabilities");
    const best = all.indexOf(Math.max(...all));
    let text = all.length ? `Reads ${best}, ${Math.round(100 * all[best])} %` : "Draw a digit.";
    if (model.get("error")) text = "No reading.";
    if (model.get("answered") !== model.get("asked")) text = isLate ? LATE : "Reading …";
    if (isDown) text = "Pen down.";
    if (answer.textContent !== text) answer.textContent = text;
  }

  function showReading() {
    if (model.get("answered") === model.get("asked")) {
      clearTimeout(lateTimer);
      isLate = false;
    }
    const all = model.get("probabilities");
    const highest = Math.max(...all);
    for (const row of find("bars").children) {
      const share = all[row.dataset.digit];
      row.classList.toggle("pad-best", share === highest);
      row.querySelector(".pad-fill").style.width = `${100 * (share ?? 0)}%`;
      row.querySelector(".pad-value").textContent = share === undefined ? "–" : `${(100 * share).toFixed(1)} %`;
    }
    paint(frame, model.get("frame"));
    error.textContent = model.get("error");
    error.hidden = !model.get("error");
    showStatus();
  }

  function loadPixels() {
    hasChanged = true;
    if (isSending) return;
    setInk(model.get("pixels"));
    past.length = 0;
    showUndo();
  }

  const clamp = (at) => Math.min(side, Math.max(0, at));

  function locate(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * side) / box.width, ((event.clientY - box.top) * side) / box.height];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    isDown = false;
    position = locate(event);
    showPen(false);
    remember();
    lineTo(position);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const part of passed.length ? passed : [event]) lineTo(locate(part));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      position = position.map(clamp); // a stroke may end beside the paper
      send();
    });
  }

  // A long press is a dot. It opens no menu, neither the browser's nor JupyterLab's.
  canvas.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
  });

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isSwitch = event.key === " " || event.key === "Enter";
    if (!isSwitch && !(event.key in ARROWS)) return;
    event.preventDefault(); // during a stroke too: the page must not scroll under it
    event.stopPropagation();
    if (pointer !== null) return;
    if (isSwitch) {
      if (!event.repeat) putPen(!isDown); // a key that is held down is one press
    } else {
      heldKeys.add(event.key);
      const moves = [...heldKeys].map((key) => ARROWS[key]);
      const next = position.map((at, axis) => clamp(moves.reduce((sum, move) => sum + STEP * move[axis], at)));
      if (isDown) lineTo(next);
      position = next;
    }
    showPen(true);
  });
  canvas.addEventListener("keyup", (event) => heldKeys.delete(event.key));
  canvas.addEventListener("focus", () => showPen(canvas.matches(":focus-visible")));
  canvas.addEventListener("blur", () => {
    heldKeys.clear();
    isDown = false;
    showPen(false);
    send();
  });
  find("clear").addEventListener("click", clear);
  undoButton.addEventListener("click", undo);
  // These keys work wherever the focus is inside the pad, as after a click on a button. Ctrl+Z undoes too.
  root.addEventListener("keydown", (event) => {
    const act = { z: undo, c: clear }[event.key.toLowerCase()];
    if (!act || event.altKey || event.shiftKey || (act === clear && (event.ctrlKey || event.metaKey))) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  });

  const changes = ["answered", "frame", "probabilities", "error"].map((name) => `change:${name}`);
  for (const name of changes) model.on(name, showReading);
  model.on("change:pixels", loadPixels);
  loadPixels();
  showReading();
  showPen(false);
  return () => {
    clearTimeout(sendTimer);
    clearTimeout(lateTimer);
    for (const name of changes) model.off(name, showReading);
    model.off("change:pixels", loadPixels);
  };
}

export default { render };
