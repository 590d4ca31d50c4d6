// Where a person writes: as whom, to what, with or without a mention of the bot.

import { el, icon } from "./dom.js";
import { CHIPS } from "./skins.js";

const SEND = "M3 10 17 3.5 13 17l-3.2-5.4zM9.8 11.6 17 3.5";

export class Composer {
  constructor(skin, people, onSend, onWriter) {
    this.skin = skin;
    this.onSend = onSend;
    this.people = people;
    this.parent = null;
    this.mention = true;
    this.sending = false;
    this.input = el("textarea", { rows: 1, "aria-label": `Write in ${skin.title}`, onkeydown: (event) => this.key(event), oninput: () => this.grow() });
    this.writer = el("select", { class: "writer", "aria-label": "Who writes", title: "Who writes", onchange: () => onWriter() });
    this.writer.append(...Object.entries(people).map(([id, name]) => el("option", { value: id }, name.split(" ")[0])));
    this.at = el("button", { type: "button", class: "at", title: "Mention the bot", onclick: () => this.setMention(!this.mention) }, "@bot");
    this.banner = el("div", { class: "banner", hidden: true }, el("span"), el("button", { type: "button", "aria-label": "Not as a reply", onclick: () => this.reply(null) }, "×"));
    this.sendButton = el("button", { type: "button", class: "send", "aria-label": "Send", title: "Send (Enter)", onclick: () => this.send() }, icon(SEND));
    this.element = el(
      "footer",
      { class: "composer" },
      el("div", { class: "chips", role: "group", "aria-label": "Suggestions" }, ...CHIPS.map((text) => el("button", { type: "button", class: "chip", onclick: () => this.send(text) }, text))),
      el("div", { class: "box" }, this.banner, el("div", { class: "box-row" }, this.writer, this.at, this.input, this.sendButton)),
    );
  }

  get writerName() {
    return this.people[this.writer.value];
  }

  enter(place) {
    const changed = this.place?.id !== place.id;
    this.place = place;
    this.at.hidden = place.kind === "direct";
    if (place.owner) this.writer.value = place.owner;
    this.writer.disabled = Boolean(place.owner);
    if (changed) this.reply(null, false);
    this.input.placeholder = this.skin.placeholder(place);
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

  grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 140)}px`;
  }

  async send(chip) {
    const written = chip ?? this.input.value.trim();
    if (!written || this.sending) return;
    const mention = this.mention && this.place.kind !== "direct" && !written.startsWith("/") && !written.includes("@bot");
    this.sending = true;
    const said = await this.onSend({ text: mention ? `@bot ${written}` : written, author: this.writer.value, parent: this.parent });
    this.sending = false;
    if (!said || chip) return;
    this.input.value = "";
    this.grow();
    if (!this.inThread) this.reply(null, false);
  }
}
