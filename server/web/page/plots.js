// Small moving plots: each draws the last half minute of one figure on a canvas.

const SPAN_S = 30;

export class Plot {
  // low, high: the smallest range of the scale; higher values stretch it. zero: whether to draw a line at 0.
  constructor(canvas, { low = 0, high, zero = false }) {
    Object.assign(this, { canvas, low, high, zero, points: [] });
  }

  add(time_s, value) {
    const last = this.points.at(-1);
    if (last && time_s < last[0]) this.points = []; // the clock was set back
    this.points.push([time_s, value]);
    while (time_s - this.points[0][0] > SPAN_S) this.points.shift();
  }

  clear() {
    this.points = [];
    this.draw();
  }

  draw() {
    const { canvas, points } = this;
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    if (canvas.width !== Math.round(width * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(canvas);
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const high = points.reduce((most, point) => Math.max(most, point[1]), this.high);
    const y = (value) => height - 2 - ((value - this.low) / (high - this.low)) * (height - 4);
    pen.strokeStyle = style.getPropertyValue("--edge");
    pen.lineWidth = 1;
    pen.beginPath();
    const ground = this.zero ? y(0) : height - 1;
    pen.moveTo(0, ground);
    pen.lineTo(width, ground);
    pen.stroke();
    if (points.length < 2) return;
    const end_s = points.at(-1)[0];
    pen.strokeStyle = style.getPropertyValue("--blue");
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    pen.beginPath();
    for (const [time_s, value] of points) pen.lineTo(width - ((end_s - time_s) / SPAN_S) * width, y(value));
    pen.stroke();
  }
}
