// Plots of the last two minutes: each draws one figure over time, with a scale of its own.

const SPAN_S = 120, STEP_S = 0.25, GAP_S = 2;

export class Plot {
  // Adds a tile to `parent`. name: prefix of the number's id; field: of the server's data; say: value -> [number, unit].
  // low, high: the smallest range of the scale. signed: the scale reaches as far to both sides, `high` at first.
  // average: show the mean since the moment before, where single values jump.
  constructor(parent, { name, title, field, say, low = 0, high, signed = false, average = false, tick = String }) {
    Object.assign(this, { field, say, low, high, signed, average, tick, points: [], sum: 0, count: 0 });
    this.tile = document.createElement("article");
    this.number = part("b", "-");
    this.number.id = `${name}-now`;
    this.unit = part("span", "");
    const value = part("p", "");
    value.append(this.number, " ", this.unit);
    this.canvas = part("canvas", "");
    [this.top, this.bottom] = [part("span", "", "top"), part("span", "", "bottom")];
    const scale = part("div", "", "scale"), span = part("div", "", "span");
    scale.setAttribute("aria-hidden", "true");
    span.setAttribute("aria-hidden", "true");
    scale.append(this.top, this.bottom, this.canvas);
    span.append(part("span", "2 min ago"), part("span", "now"));
    this.tile.append(part("h2", title), value, scale, span);
    parent.append(this.tile);
    this.clear();
  }

  // history: a list for each field, from the server.
  load(history) {
    this.clear();
    history.time_s.forEach((time_s, i) => this.push(time_s, history[this.field][i]));
    this.draw();
  }

  // Take a frame's value; four times a second it is shown, and then this returns true.
  add(time_s, value) {
    if (value !== null) [this.sum, this.count] = [this.sum + value, this.count + 1];
    const last = this.points.at(-1);
    if (this.shows && last && time_s - last[0] >= 0 && time_s - last[0] < STEP_S) return false;
    if (last && time_s < last[0]) this.points = []; // the clock was set back
    const shown = this.average && this.count ? this.sum / this.count : value;
    [this.sum, this.count] = [0, 0];
    this.push(time_s, shown);
    this.show(shown);
    this.shows = true;
    this.draw();
    return true;
  }

  push(time_s, value) {
    this.points.push([time_s, value]);
    while (time_s - this.points[0][0] > SPAN_S) this.points.shift();
  }

  show(value) {
    const [number, unit] = value === null ? ["-", ""] : this.say(value);
    this.number.textContent = number;
    this.unit.textContent = unit;
  }

  // The newest value is old.
  forget() {
    this.show(null);
    this.shows = false;
  }

  clear() {
    this.points = [];
    this.forget();
    this.draw();
  }

  range() {
    const values = this.points.map(([, value]) => value).filter((value) => value !== null);
    const high = ceiling(values.reduce((most, value) => Math.max(most, this.signed ? Math.abs(value) : value), this.high));
    return [this.signed ? -high : this.low, high];
  }

  draw() {
    const [low, high] = this.range();
    this.top.textContent = this.tick(high);
    this.bottom.textContent = this.tick(low);
    const pen = prepared(this.canvas);
    if (!pen) return;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight, style = getComputedStyle(this.canvas);
    const y = (value) => 1 + (1 - (value - low) / (high - low)) * (height - 2);
    pen.strokeStyle = style.borderBottomColor;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const value of [low, low < 0 ? 0 : (low + high) / 2, high]) pen.moveTo(0, y(value)), pen.lineTo(width, y(value));
    pen.stroke();
    pen.strokeStyle = style.color;
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    pen.beginPath();
    const end_s = this.points.at(-1)?.[0];
    let before = null;
    for (const [time_s, value] of this.points) {
      const x = width - ((end_s - time_s) / SPAN_S) * width;
      if (value === null) before = null;
      else {
        if (before === null || time_s - before > GAP_S) pen.moveTo(x, y(value));
        pen.lineTo(x, y(value));
        before = time_s;
      }
    }
    pen.stroke();
  }
}

// The smallest round number that is at least `value`: 1, 1.5, 2, 3, 4, 5, 6 or 8, times a power of ten.
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => Number((step * power).toPrecision(2))).find((step) => step >= value * (1 - 1e-9));
}

// A pen for `canvas`, in its own pixels, with nothing drawn yet; null while it has no size.
export function prepared(canvas) {
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width) return null;
  const size = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

function part(name, text, kind = "") {
  const node = document.createElement(name);
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
}
