// Where a person writes: as whom, to what, with or without files and a mention of the bot.

import { Clip } from "./clip.js";
import { el, icon } from "./dom.js";
import { CHIPS } from "./skins.js";
import { Who } from "./who.js";

const SEND = "M3 10 17 3.5 13 17l-3.2-5.4zM9.8 11.6 17 3.5";

export class Composer {
  constructor(skin, people, files, onSend, onWho) {
    this.skin = skin;
    this.onSend = onSend;
    this.parent = null;
    this.mention = true;
    this.sending = false;
    this.who = new Who(skin.title, people, onWho);
    this.clip = new Clip(skin.title, files);
    this.input = el("textarea", { rows: 1, "aria-label": `Write in ${skin.title}`, onkeydown: (event) => this.key(event), oninput: () => this.grow(), onpaste: (event) => this.offered(event, event.clipboardData) });
    this.at = el("button", { type: "button", class: "at", title: "Mention the bot", onclick: () => this.setMention(!this.mention) }, "@bot");
    this.banner = el("div", { class: "banner", hidden: true }, el("span"), el("button", { type: "button", "aria-label": "Not as a reply", onclick: () => this.reply(null) }, "×"));
    this.sendButton = el("button", { type: "button", class: "send", "aria-label": "Send", title: "Send (Enter)", onclick: () => this.send() }, icon(SEND));
    this.element = el(
      "footer",
      { class: "composer" },
      el("div", { class: "chips", role: "group", "aria-label": "Suggestions" }, ...CHIPS.map((text) => el("button", { type: "button", class: "chip", onclick: () => this.send(text) }, text))),
      el(
        "div",
        { class: "box", ondragover: (event) => event.preventDefault(), ondrop: (event) => this.offered(event, event.dataTransfer) },
        this.banner,
        this.clip.chosen,
        this.input,
        el("div", { class: "tools" }, this.clip.button, this.clip.input, this.at, this.who.element, this.sendButton),
      ),
    );
  }

  enter(place) {
    const changed = this.place?.id !== place.id;
    this.place = place;
    this.at.hidden = place.kind === "direct";
    if (changed) this.reply(null, false);
    this.hint();
  }

  /** The names of those whom the operator has let in. */
  setLetIn(names) {
    this.who.setLetIn(names);
    this.hint();
  }

  hint() {
    const { name } = this.who.person;
    this.input.placeholder = this.who.isStranger ? `Write as ${name}, a stranger` : this.skin.placeholder(this.place);
  }

  /** From now on what is written answers `view`; null: nothing in particular. */
  reply(view, focus = true) {
    this.parent = view?.id ?? null;
    this.inThread = Boolean(view) && (this.skin.threads || Boolean(view.thread));
    this.banner.hidden = !view;
    if (view) this.banner.firstChild.textContent = `${this.skin.replying(view.author)}: ${view.text.slice(0, 60)}`;
    this.setMention(!view);
    if (focus) this.input.focus();
  }

  setMention(on) {
    this.mention = on;
    this.at.setAttribute("aria-pressed", String(on));
  }

  key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape") this.reply(null);
  }

  /** What was dropped or pasted is a text, or files to go with it. */
  offered(event, { files }) {
    if (!files.length) return;
    event.preventDefault();
    this.clip.choose(files);
  }

  grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 140)}px`;
  }

  async say(written) {
    await this.clip.taken;
    const files = this.clip.ids;
    if (!written && !files.length) return null;
    const mention = this.mention && this.place.kind !== "direct" && !written.startsWith("/") && !written.includes("@bot");
    return this.onSend({ text: mention ? `@bot ${written}`.trim() : written, author: this.who.person.id, parent: this.parent, files });
  }

  async send(chip) {
    if (this.sending) return;
    this.sending = true;
    const said = await this.say(chip ?? this.input.value.trim());
    this.sending = false;
    if (!said) return;
    this.clip.clear();
    if (chip) return;
    this.input.value = "";
    this.grow();
    if (!this.inThread) this.reply(null, false);
  }
}
