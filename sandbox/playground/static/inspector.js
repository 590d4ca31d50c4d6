// What the program recorded about one turn, and how far the platform is behind the upstream.

import { el, svg } from "./dom.js";

const WIDTH = 300;
const HEIGHT = 38;

const seconds = (value) => `${value < 9.95 ? value.toFixed(1) : Math.round(value)} s`;
const count = (value) => value.toLocaleString("en").replaceAll(",", "\u2009");

export class Inspector {
  constructor(title, onChange) {
    this.title = title;
    this.turns = [];
    this.selected = null; // a turn's id; null: always the latest
    this.onChange = onChange;
    this.element = el("section", { class: "inspector", "aria-label": `The turn in ${title}` });
    this.open = false;
    this.render();
  }

  get turn() {
    return this.turns.find((turn) => turn.id === this.selected) ?? this.turns[0] ?? null;
  }

  setTurns(turns) {
    this.turns = turns;
    this.render();
  }

  /** Looks at the turn that a message belongs to, if there is one. */
  select(place, id) {
    const has = (message) => message && message.place === place && message.id === id;
    const turn = this.turns.find((one) => has(one.asked) || one.parts.some(has));
    if (!turn) return;
    this.selected = turn.id === this.turns[0].id ? null : turn.id;
    this.render();
    this.onChange();
  }

  render() {
    const turn = this.turn;
    if (!turn) {
      this.element.replaceChildren(el("p", { class: "inspector-empty" }, `No turn in ${this.title} yet.`));
      return;
    }
    const fact = (name, value, extra = {}) => (value ? [el("dt", {}, name), el("dd", { title: value, ...extra }, value)] : []);
    const figure = (name, value, small) => el("div", {}, el("dt", {}, name), el("dd", {}, value, small ? el("small", {}, ` ${small}`) : null));
    const lag = turn.lag;
    this.element.classList.toggle("open", this.open);
    const parts = [
      el(
        "div",
        { class: "inspector-head" },
        el("span", { class: "state", "data-state": turn.state }, turn.state),
        el("span", { class: "what", title: turn.prompt }, el("b", {}, turn.author_name.split(" ")[0]), ` ${asked(turn)}`),
        this.selected !== null ? el("button", { type: "button", class: "link", onclick: () => this.latest() }, "Latest") : null,
        el("button", { type: "button", class: "link more", onclick: () => this.toggle() }, this.open ? "Less" : "More"),
      ),
      turn.growth.length > 1 ? growth(turn) : null,
      el(
        "dl",
        { class: "figures" },
        figure("Lag", lag ? seconds(lag.now) : "–", lag ? `max ${seconds(lag.max)}` : ""),
        figure("Edits", String(turn.edits)),
        figure("Messages", String(turn.parts.length)),
        figure("Attempt", String(turn.attempt)),
      ),
      el(
        "dl",
        { class: "facts" },
        ...fact("Upstream", turn.upstream),
        ...fact("Conversation", turn.conversation ?? (turn.upstream ? "kept by the program itself" : "")),
        ...fact("Thread", turn.thread),
        ...fact("Files", turn.files),
        ...fact("Told", turn.error, { class: "said" }),
      ),
    ];
    this.element.replaceChildren(...parts.filter(Boolean));
  }

  latest() {
    this.selected = null;
    this.render();
    this.onChange();
  }

  toggle() {
    this.open = !this.open;
    this.render();
  }
}

/** What a person wanted; of a stranger only that is kept, that there was one. */
function asked({ command, prompt, files }) {
  if (command === "refused") return "is not let in";
  return command ? `/${command}` : prompt || files || "";
}

/** Two lines over time: what the upstream has written (dashed), and what the platform shows. */
function growth(turn) {
  const points = turn.growth;
  const chart = svg("svg", {
    class: "growth",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": turn.length ? `${count(turn.shown)} of ${count(turn.length)} characters shown` : "Nothing written yet",
  });
  chart.append(svg("title", {}, "Written by the upstream (dashed) and shown on the platform, over time"));
  chart.append(svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }));
  const [from, to] = [points[0][0], points.at(-1)[0]];
  const scale = markup(points, turn.state === "answered");
  const top = Math.max(1, ...points.map((point) => Math.max(point[1], point[2] * scale)));
  const x = (at) => (((at - from) / Math.max(0.001, to - from)) * WIDTH).toFixed(1);
  const y = (length) => (HEIGHT - 1.5 - (length / top) * (HEIGHT - 4)).toFixed(1);
  let written = `M${x(from)} ${y(points[0][1])}`;
  let shown = `M${x(from)} ${y(points[0][2] * scale)}`;
  for (const [at, wrote, showed] of points.slice(1)) {
    written += `L${x(at)} ${y(wrote)}`;
    shown += `H${x(at)}V${y(showed * scale)}`;
  }
  chart.append(
    svg("path", { class: "area", d: `${shown}V${HEIGHT}H0Z` }),
    svg("path", { class: "shown", d: shown }),
    svg("path", { class: "written", d: written }),
  );
  return chart;
}

/** What a shown character stands for in written ones: the upstream counts Markdown, a reader sees what is left of it.
    Known at the end; until then, from the moment at which the platform was closest. */
function markup(points, over) {
  const [, wrote, showed] = points.at(-1);
  const ratio = over ? showed / wrote : Math.max(...points.map((point) => point[2] / Math.max(1, point[1])));
  return ratio > 0.4 && ratio < 2.5 ? 1 / ratio : 1;
}
