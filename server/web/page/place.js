// Where the car is: the road driven so far, seen from above, and its laps. Simulators that tell nothing of it hide this.

import { prepared } from "/page/plots.js";

const $ = (id) => document.getElementById(id);
const NEAR = [47, 134, 232], FAR = [217, 67, 58], SHADES = 8; // as the legend's ramp in page.css
const SCALES_M = [0.5, 1, 2, 4, 10, 1000], BARS_M = [10, 20, 50, 100, 200, 500, 1000, 2000];
const SMALLEST_M = 60, MARGIN = 10, MAX_POINTS = 4000;
const BAR_ROWS = 16; // at the bottom, for the scale alone

const ROWS = [
  ["lap", "Lap", (lap) => String(lap)],
  ["lap_time_s", "Lap time", clock],
  ["last_lap_s", "Last lap", clock],
  ["best_lap_s", "Best lap", clock],
  ["off_road", "Off the road", (count) => (count === 1 ? "once" : `${count} times`)],
];

export class Place {
  constructor() {
    this.points = [];
    this.position = null;
    $("laps").replaceChildren(...ROWS.map(([name, title]) => {
      const row = document.createElement("div"), term = document.createElement("dt"), value = document.createElement("dd");
      [term.textContent, value.id] = [title, `place-${name}`];
      row.append(term, value);
      return row;
    }));
  }

  // position: of the newest frame, or null where the simulator tells nothing.
  show(position) {
    this.position = position;
    const known = { laps: position?.lap ?? null, map: position?.x_m ?? null, off_road: position?.off_road ?? null };
    $("where").hidden = Object.values(known).every((value) => value === null);
    if ($("where").hidden) return;
    for (const [name, , say] of ROWS) {
      const value = position[name];
      $(`place-${name}`).parentElement.hidden = known[name === "off_road" ? name : "laps"] === null;
      $(`place-${name}`).textContent = value === null ? "-" : say(value);
    }
    $("map-and-legend").hidden = known.map === null;
    this.draw();
  }

  // news: points of the driven line, [x, y, lap, offset, joined].
  extend({ anew, points }) {
    if (anew) this.points = [];
    this.points.push(...points);
    const lap = this.points.at(-1)?.[2];
    if (lap != null) this.points = this.points.filter((point) => point[2] === null || point[2] >= lap - 1);
    if (this.points.length > MAX_POINTS) this.points.splice(0, this.points.length - MAX_POINTS);
    this.draw();
  }

  // The figures are old.
  fade() {
    for (const [name] of ROWS) $(`place-${name}`).textContent = "-";
  }

  forget() {
    this.points = [];
    this.show(null);
  }

  draw() {
    const { points, position } = this, canvas = $("map");
    const pen = !position || position.x_m === null ? null : prepared(canvas);
    if (!pen) return;
    const width = canvas.clientWidth, height = canvas.clientHeight, style = getComputedStyle(canvas);
    const [at, pixels_per_m] = projection([...points, [position.x_m, position.y_m]], width, height - BAR_ROWS);
    const most_m = points.reduce((most, point) => Math.max(most, Math.abs(point[3] ?? 0)), 0);
    const scale_m = SCALES_M.find((scale) => scale >= most_m);
    pen.lineWidth = 4;
    pen.lineCap = pen.lineJoin = "round";
    for (let shade = 0; shade < SHADES; shade++) {
      pen.strokeStyle = colour(shade);
      pen.beginPath();
      for (let i = 1; i < points.length; i++) {
        const [x, y, , offset_m, joined] = points[i];
        if (!joined || shadeOf(offset_m, scale_m) !== shade) continue;
        pen.moveTo(...at(points[i - 1][0], points[i - 1][1]));
        pen.lineTo(...at(x, y));
      }
      pen.stroke();
    }
    drawCar(pen, at(position.x_m, position.y_m), style);
    drawBar(pen, width, height, pixels_per_m, style);
    $("legend-high").textContent = `${scale_m} m`;
    canvas.setAttribute("aria-label", `Map of the road driven so far, at most ${most_m.toFixed(2)} m from the middle`);
  }
}

function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
}

// A function from metres (y up) to the canvas' pixels that shows all points, and the pixels of a metre.
function projection(points, width, height) {
  const xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
  const middle = (values) => (values.reduce((a, b) => Math.min(a, b)) + values.reduce((a, b) => Math.max(a, b))) / 2;
  const extent = (values) => values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  const room = [width - 2 * MARGIN, height - 2 * MARGIN];
  const scale = Math.min(room[0] / Math.max(extent(xs), SMALLEST_M), room[1] / Math.max(extent(ys), SMALLEST_M));
  const [x0, y0] = [middle(xs), middle(ys)];
  return [(x, y) => [width / 2 + (x - x0) * scale, height / 2 - (y - y0) * scale], scale];
}

const shadeOf = (offset_m, scale_m) => Math.min(SHADES - 1, Math.floor((Math.abs(offset_m ?? 0) / scale_m) * SHADES));

function colour(shade) {
  const share = shade / (SHADES - 1);
  return `rgb(${NEAR.map((near, i) => Math.round(near + share * (FAR[i] - near))).join(" ")})`;
}

function drawCar(pen, [x, y], style) {
  pen.beginPath();
  pen.arc(x, y, 6, 0, 2 * Math.PI);
  pen.fillStyle = style.color;
  pen.strokeStyle = style.backgroundColor;
  pen.lineWidth = 2;
  pen.fill();
  pen.stroke();
}

// A bar of a round length in the lower left corner, at most a third of the width.
function drawBar(pen, width, height, pixels_per_m, style) {
  const length_m = BARS_M.findLast((length) => length * pixels_per_m <= width / 3) ?? BARS_M[0];
  const end = 2 + length_m * pixels_per_m;
  pen.strokeStyle = pen.fillStyle = style.color;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(2, height - 7), pen.lineTo(2, height - 2), pen.lineTo(end, height - 2), pen.lineTo(end, height - 7);
  pen.stroke();
  pen.font = `12px ${style.fontFamily}`;
  pen.fillText(`${length_m} m`, end + 5, height - 2);
}
