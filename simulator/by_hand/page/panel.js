// Everything beside the picture. Figures change a few times a second, so that they can be read.

const $ = (id) => document.getElementById(id);
const SHOW_EVERY_MS = 200;

export class Panel {
  constructor() {
    this.time = 0;
  }

  show(state, latency) {
    bar("steering-bar", state.steering);
    bar("pedal-bar", state.throttle).classList.toggle("braking", state.throttle < 0);
    const now = performance.now();
    if (now - this.time < SHOW_EVERY_MS) return;
    this.time = now;
    const { recording } = state;
    text("speed", state.speed_mph.toFixed(1));
    text("offset", Math.abs(state.cte_m).toFixed(1));
    text("lap", state.lap);
    text("lap-time", clock(state.lap_s));
    text("last-lap", state.last_lap_s === null ? "-" : clock(state.last_lap_s));
    text("off-road", state.off_road);
    text("wheels-off", state.wheels_off);
    text("latency", latency.median === null ? "-" : Math.round(latency.median));
    text("warning", document.hasFocus() ? latency.warning : "Click the picture, so that your keys reach it.");
    text("driver", driver(state));
    $("server").hidden = !state.server;
    $("server").href = state.server ?? "";
    press("record", Boolean(recording), recording ? "Stop recording" : "Record");
    press("hand", state.driver === "model", state.driver === "model" ? "Take the wheel" : "Hand over");
    label("change-camera", `Camera: ${state.camera}`);
    label("change-track", `Track: ${state.track}`);
    $("mark").hidden = !recording;
    if (recording) {
      text("mark", `${recording.corrections ? "corrections" : "recording"}, ${recording.rows} rows, ${Math.round(recording.seconds)} s`);
    }
    this.tell(state.notice || (recording ? `Recording into ${recording.folder}` : ""), state.command);
  }

  tell(notice, command) {
    const [first, second] = $("notice").children;
    if (first.textContent !== notice) first.textContent = notice;
    if (second.hidden === Boolean(command)) second.hidden = !command;
    if (second.lastElementChild.textContent !== command) second.lastElementChild.textContent = command;
  }

  cover(words, button = false) {
    const cover = $("cover");
    cover.hidden = !words;
    cover.firstElementChild.textContent = words;
    $("return").hidden = !button;
    if (words) text("warning", "");
  }
}

function driver(state) {
  if (state.driver === "model") return "The model drives. Any key takes the wheel.";
  return state.server ? "You drive. A model is ready to take over." : "You drive.";
}

function text(id, value) {
  if ($(id).textContent !== String(value)) $(id).textContent = value;
}

function label(id, value) {
  const span = $(id).firstElementChild;
  if (span.textContent !== value) span.textContent = value;
}

// The label says what the next press does, so the button is no switch that is on or off.
function press(id, on, value) {
  $(id).classList.toggle("on", on);
  label(id, value);
}

function bar(id, value) {
  const fill = $(id).firstElementChild;
  fill.style.transform = `scaleX(${value})`;
  return fill;
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}
