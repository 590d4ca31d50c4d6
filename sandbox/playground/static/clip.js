// A file that goes with the next message: chosen, dropped or pasted, and taken to the server at once.

import { say, upload } from "./api.js";
import { el, icon, size } from "./dom.js";

const CLIP = "m15.5 9.2-5.7 5.7a3.6 3.6 0 0 1-5.1-5.1l6-6a2.4 2.4 0 0 1 3.4 3.4l-6 6a1.2 1.2 0 0 1-1.7-1.7l5.3-5.3";

export class Clip {
  constructor(title, largest) {
    this.largest = largest;
    this.id = null;
    this.taken = null; // a promise while a file is on its way
    this.input = el("input", { type: "file", hidden: true, onchange: () => this.choose(this.input.files[0]) });
    this.button = el("button", { type: "button", class: "clip", title: "Attach a picture or a document", "aria-label": `Attach a file in ${title}`, onclick: () => this.input.click() }, icon(CLIP));
    this.name = el("span");
    this.chosen = el("div", { class: "banner chosen", hidden: true }, this.name, el("button", { type: "button", "aria-label": "Not this file", onclick: () => this.clear() }, "×"));
  }

  choose(file) {
    if (file) this.taken = this.take(file);
  }

  async take(file) {
    this.clear();
    if (file.size > this.largest) {
      say(`${file.name} is too large: it has ${size(file.size)}, and a file may have ${size(this.largest)} here.`);
      return;
    }
    const answer = await upload(file);
    if (!answer) return;
    this.id = answer.id;
    this.name.replaceChildren(el("b", {}, file.name), el("small", {}, size(file.size)));
    this.chosen.hidden = false;
  }

  clear() {
    this.id = null;
    this.input.value = "";
    this.chosen.hidden = true;
  }
}
