// The bar: which upstream, how fast, what goes wrong, and the program itself.

import { ask, say } from "./api.js";
import { el } from "./dom.js";
import { SKINS } from "./skins.js";

const find = (id) => document.getElementById(id);

export class Controls {
  constructor() {
    this.program = null;
    this.speeds = [1, 100];
    find("restart").addEventListener("click", () => ask("api/program", { action: "restart" }));
    find("kill").addEventListener("click", () => ask("api/program", { action: "kill" }));
    find("fresh").addEventListener("click", () => this.fresh());
    find("show-log").addEventListener("click", () => this.showLog());
    find("close-log").addEventListener("click", () => find("log").close());
    find("bar-toggle").addEventListener("click", () => this.toggle());
    const speed = find("speed");
    speed.addEventListener("input", () => this.saySpeed(this.speedAt(speed.value)));
    speed.addEventListener("change", () => ask("api/speed", { words: this.speedAt(speed.value) }));
    document.addEventListener("click", (event) => {
      for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    });
    setInterval(() => this.sayProgram(), 1000);
  }

  load({ kinds, kind, speeds, speed, offers, faults, program }) {
    this.speeds = speeds;
    find("kinds").replaceChildren(find("kinds").querySelector("legend"), ...kinds.map((one) => this.kind(one)));
    this.setKind(kind);
    this.setSpeed(speed);
    this.offers = offers;
    this.setFaults(faults);
    this.setProgram(program);
  }

  kind(kind) {
    return el("label", {}, el("input", { type: "radio", name: "kind", value: kind, onchange: () => ask("api/upstream", { kind }) }), el("span", {}, kind));
  }

  setKind(kind) {
    for (const input of document.querySelectorAll("#kinds input")) input.checked = input.value === kind;
  }

  // The slider is logarithmic: a step means as much at 5 words a second as at 200.
  speedAt(position) {
    const [low, high] = this.speeds;
    return Math.round(low * (high / low) ** (position / 100));
  }

  setSpeed(words) {
    const [low, high] = this.speeds;
    find("speed").value = String(Math.round((100 * Math.log(words / low)) / Math.log(high / low)));
    this.saySpeed(words);
  }

  saySpeed(words) {
    find("speed-said").textContent = `${words} words/s`;
  }

  setFaults(faults) {
    const sheet = document.querySelector("#faults .sheet");
    const where = (offer) => (offer.where === "upstream" ? [["upstream", "Upstream"]] : Object.entries(SKINS).map(([id, skin]) => [id, skin.title]));
    const row = (offer) =>
      el(
        "div",
        { class: "row fault" },
        el("span", {}, offer.label),
        el("span", { class: "row-where" }, ...where(offer).map(([id, title]) => el("button", { type: "button", class: "mini", "data-fault": `${id}/${offer.id}`, title: `Next time at ${title}`, onclick: () => ask("api/fault", { where: id, fault: offer.id }) }, offer.where === "upstream" ? "Next" : title))),
      );
    const of = (kind) => this.offers.filter((offer) => offer.where === kind).map(row);
    sheet.replaceChildren(
      el("h2", {}, "Next at a platform"),
      ...of("platform"),
      el("h2", {}, "Next at the upstream"),
      ...of("upstream"),
      ...(faults.length
        ? [
            el("h2", {}, "Still to come"),
            el("ul", { class: "waiting-faults" }, ...faults.map((fault) => el("li", {}, fault))),
            el("button", { type: "button", class: "row", onclick: () => ask("api/faults/clear") }, "Take them back"),
          ]
        : []),
    );
    find("fault-count").hidden = !faults.length;
    find("fault-count").textContent = String(faults.length);
  }

  setProgram(program) {
    this.program = program;
    find("program").dataset.state = program.state;
    if (program.ended) say(`The program stopped by itself and is started again. ${program.ended}`, 0);
    else if (this.endedShown) say("");
    this.endedShown = Boolean(program.ended);
    this.sayProgram();
  }

  sayProgram() {
    if (!this.program) return;
    const { state, pid, since, restarts, now } = this.program;
    this.offset ??= now - Date.now() / 1000;
    const said = { running: "Running", stopping: "Stopping …", waiting: "Starting again …", stopped: "Stopped" }[state] ?? state;
    const parts = [];
    if (since) parts.push(age(Date.now() / 1000 + this.offset - since));
    if (pid) parts.push(`pid ${pid}`);
    if (restarts) parts.push(restarts === 1 ? "1 restart" : `${restarts} restarts`);
    find("program-said").replaceChildren(el("b", {}, said), parts.length ? `\u2002${parts.join(" · ")}` : "");
    for (const id of ["restart", "kill"]) find(id).disabled = state === "stopping";
  }

  lost() {
    find("program").dataset.state = "stopped";
    this.program = null;
    find("program-said").textContent = "The playground does not answer …";
  }

  toggle() {
    const open = document.querySelector(".bar").classList.toggle("open");
    find("bar-toggle").setAttribute("aria-expanded", String(open));
  }

  async fresh() {
    if (!confirm("Forget every chat, the upstream's memory and the program's database?")) return;
    find("more").open = false;
    await ask("api/fresh");
  }

  async showLog() {
    find("more").open = false;
    const pre = document.querySelector("#log pre");
    pre.textContent = "";
    find("log").showModal();
    const answer = await fetch("api/log").then((response) => response.json()).catch(() => ({ lines: [] }));
    pre.textContent = answer.lines.join("\n") || "Nothing yet.";
    pre.scrollTop = pre.scrollHeight;
  }
}

function age(total) {
  const seconds = Math.max(0, Math.floor(total));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
