// The band that says how the drive goes. It keeps its height, so that no warning moves the page, and it is announced
// only when something else is the matter, not whenever a number changes.

const $ = (id) => document.getElementById(id);
const LEVELS = ["bad", "note", "good"];

export class Findings {
  constructor() {
    this.kinds = [];
    $("findings-more").onclick = () => this.open(!$("doctor").classList.contains("open"));
    addEventListener("resize", () => this.fit());
  }

  // findings: {level, kind, text}, the worst first.
  show(findings) {
    const lines = $("findings");
    const key = JSON.stringify(findings);
    if (lines.dataset.content === key) return;
    lines.dataset.content = key;
    lines.replaceChildren(...findings.map(({ level, text }) => {
      const line = document.createElement("p");
      line.textContent = text;
      line.className = level;
      return line;
    }));
    $("doctor").dataset.level = LEVELS.find((level) => findings.some((finding) => finding.level === level)) ?? "note";
    const recent = findings.filter(({ kind }) => !this.kinds.includes(kind));
    this.kinds = findings.map(({ kind }) => kind);
    if (recent.length) $("announcement").textContent = recent.map(({ text }) => text).join(" ");
    this.fit();
  }

  open(open) {
    $("doctor").classList.toggle("open", open);
    $("findings-more").setAttribute("aria-expanded", open);
    $("findings-more").textContent = open ? "Less" : "More";
    this.fit();
  }

  // Offer the button where the band cuts something off.
  fit() {
    const lines = $("findings"), more = $("findings-more");
    if ($("doctor").classList.contains("open")) return;
    more.hidden = true;
    more.hidden = lines.scrollHeight <= lines.clientHeight + 1;
  }
}
