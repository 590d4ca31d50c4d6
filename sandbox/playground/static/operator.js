// The operator of one platform's bridge: who waits to be let in there. It is shown only while there is something to do.

import { ask } from "./api.js";
import { el } from "./dom.js";

export class Operator {
  constructor(title) {
    this.waiting = [];
    this.said = "";
    this.element = el("section", { class: "operator", "aria-label": `The operator in ${title}`, hidden: true });
  }

  /** Begins with nothing said. */
  load() {
    this.said = "";
  }

  setWaiting(waiting) {
    this.waiting = waiting;
    this.render();
  }

  render() {
    this.element.hidden = !this.waiting.length && !this.said;
    this.element.replaceChildren(
      el("h3", {}, "Operator"),
      ...this.waiting.map((one) => this.request(one)),
      this.said ? el("div", { class: "request" }, el("p", { role: "status" }, this.said), el("button", { type: "button", class: "link", onclick: () => this.say("") }, "Close")) : "",
    );
  }

  request({ name, code }) {
    const button = el("button", { type: "button", class: "ghost primary", onclick: () => this.pair(button, code) }, "Let in");
    return el("div", { class: "request" }, el("p", {}, el("b", {}, name), " waits to be let in. ", el("code", {}, `threadbridge pair ${code}`)), button);
  }

  async pair(button, code) {
    button.disabled = true;
    button.textContent = "…";
    const answer = await ask("api/pair", { code });
    if (answer) this.waiting = this.waiting.filter((one) => one.code !== code);
    this.say(answer?.said ?? this.said);
  }

  say(sentence) {
    this.said = sentence;
    this.render();
  }
}
