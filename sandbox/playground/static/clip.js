// Files that go with the next message: chosen, dropped or pasted, and taken to the server at once.

import { say, upload } from "./api.js";
import { el, icon, size } from "./dom.js";

const CLIP = "m15.5 9.2-5.7 5.7a3.6 3.6 0 0 1-5.1-5.1l6-6a2.4 2.4 0 0 1 3.4 3.4l-6 6a1.2 1.2 0 0 1-1.7-1.7l5.3-5.3";

export class Clip {
  constructor(title, { largest, most }) {
    this.largest = largest;
    this.most = most;
    this.held = new Map(); // id -> what is shown of it, in the order of choosing
    this.taken = Promise.resolve(); // while files are on their way, pending
    this.input = el("input", { type: "file", multiple: true, hidden: true, onchange: () => this.choose(this.input.files) });
    this.button = el("button", { type: "button", class: "clip", title: "Attach pictures or documents", "aria-label": `Attach files in ${title}`, onclick: () => this.input.click() }, icon(CLIP));
    this.chosen = el("div", { class: "picked", hidden: true, role: "list", "aria-label": "Files of the next message" });
  }

  get ids() {
    return [...this.held.keys()];
  }

  choose(files) {
    // the input is emptied for the next choice, and its list with it
    for (const file of [...files]) this.taken = this.taken.then(() => this.take(file));
    this.input.value = "";
  }

  async take(file) {
    if (this.held.size >= this.most) {
      say(`${file.name} was not taken: a message has ${this.most} files at most.`);
      return;
    }
    if (file.size > this.largest) {
      say(`${file.name} is too large: it has ${size(file.size)}, and a file may have ${size(this.largest)} here.`);
      return;
    }
    const answer = await upload(file);
    if (!answer) return;
    const { id } = answer;
    const shown = el("div", { class: "banner", role: "listitem" }, el("span", {}, el("b", {}, file.name), el("small", {}, size(file.size))), el("button", { type: "button", "aria-label": `Not this file: ${file.name}`, onclick: () => this.drop(id) }, "×"));
    this.held.set(id, shown);
    this.show();
  }

  drop(id) {
    this.held.delete(id);
    this.show();
  }

  clear() {
    this.held.clear();
    this.show();
  }

  show() {
    this.chosen.replaceChildren(...this.held.values());
    this.chosen.hidden = !this.held.size;
  }
}
