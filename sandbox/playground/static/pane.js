// One platform: its places, the messages of one of them, and the box to write in.

import { ask } from "./api.js";
import { Composer } from "./composer.js";
import { el } from "./dom.js";
import { message, quote, update } from "./message.js";

const SHOWN = 250; // messages of a place that are kept in the page
const TYPING = 6000; // milliseconds that one call for the typing indicator lasts

export class Pane {
  constructor(platform, skin, people, files, onSelect) {
    this.platform = platform;
    this.skin = skin;
    this.onSelect = onSelect;
    this.all = []; // places, also those that only somebody else sees
    this.views = new Map(); // place -> Map(id -> view), in order
    this.nodes = new Map();
    this.place = null;
    this.live = new Set();
    this.chosen = new Set();
    this.tabs = el("nav", { class: "places", "aria-label": `Places in ${skin.title}` });
    this.flow = el("div", { class: "flow" });
    this.list = el("div", { class: "messages", role: "log", "aria-label": `Messages in ${skin.title}`, tabIndex: 0 }, this.flow);
    const sized = new ResizeObserver(() => this.follow());
    sized.observe(this.flow);
    sized.observe(this.list);
    this.typing = el("p", { class: "typing", hidden: true }, el("span", { class: "dots" }, el("i"), el("i"), el("i")), "Threadbridge is typing");
    this.composer = new Composer(skin, people, files, (said) => this.send(said), () => this.speak());
    this.lamp = el("span", { class: "link-lamp", title: "Not connected" });
    this.element = el(
      "section",
      { class: `pane ${platform}`, "aria-label": skin.title },
      el("header", { class: "pane-head" }, el("h2", {}, this.lamp, skin.title), this.tabs),
      this.list,
      this.typing,
      this.composer.element,
    );
    this.list.addEventListener("scroll", () => (this.stuck = this.atEnd()), { passive: true });
    this.stuck = true;
  }

  load({ places, views, connected }) {
    this.views = new Map(Object.entries(views).map(([place, list]) => [place, new Map(list.map((view) => [view.id, view]))]));
    this.nodes.clear();
    this.setConnected(connected);
    this.setPlaces(places);
  }

  setConnected(connected) {
    this.lamp.classList.toggle("on", connected);
    this.lamp.title = connected ? "The program is connected" : "The program is not connected";
  }

  setPlaces(places) {
    this.all = places;
    if (!this.places.some((place) => place.id === this.place?.id)) this.place = this.places[0] ?? null;
    this.unread ??= new Set();
    this.renderTabs();
    this.go(this.place?.id);
  }

  /** Those that the one who speaks sees: of the direct chats only their own. */
  get places() {
    const { id, name } = this.composer.who.person;
    return this.all.filter((place) => place.kind !== "direct" || [id, name].includes(place.name));
  }

  /** Somebody else speaks from now on: in the same place, or from one direct chat to another. */
  speak() {
    const direct = this.place?.kind === "direct" && this.places.find((place) => place.kind === "direct");
    this.go((direct || this.place)?.id);
  }

  renderTabs() {
    this.tabs.replaceChildren(
      ...this.places.map((place) =>
        el(
          "button",
          {
            type: "button",
            class: `place place-${place.kind}${this.unread.has(place.id) ? " unread" : ""}`,
            "aria-pressed": String(place.id === this.place?.id),
            "data-place": place.id,
            onclick: () => this.go(place.id),
          },
          this.skin.placeLabel(place),
        ),
      ),
    );
    this.tabs.querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  go(id) {
    const place = this.places.find((one) => one.id === id);
    if (!place) return;
    if (place.id !== this.place?.id) this.nodes.clear();
    this.place = place;
    this.unread.delete(id);
    this.stuck = true;
    this.setTyping(false);
    this.composer.enter(place);
    this.renderTabs();
    this.render();
  }

  receive({ place, order, changed }) {
    const known = this.views.get(place) ?? new Map();
    for (const view of changed) known.set(view.id, view);
    this.views.set(place, order ? new Map(order.filter((id) => known.has(id)).map((id) => [id, known.get(id)])) : known);
    if (place !== this.place?.id) {
      if (changed.length && !this.unread.has(place)) {
        this.unread.add(place);
        this.renderTabs();
      }
      return;
    }
    if (changed.some((view) => view.bot)) this.setTyping(false);
    if (order) this.render();
    else {
      for (const view of changed) {
        const node = this.nodes.get(view.id);
        if (node) update(node, view);
      }
      this.follow();
    }
  }

  showTyping(place, on) {
    if (place === this.place?.id) this.setTyping(on);
  }

  setTyping(on) {
    clearTimeout(this.typingEnds);
    this.typing.hidden = !on;
    if (on) this.typingEnds = setTimeout(() => this.setTyping(false), TYPING);
    this.follow();
  }

  /** Which messages belong to turns that are being answered, and which to the turn that is looked at. */
  mark(live, chosen) {
    this.live = live;
    this.chosen = chosen;
    for (const [id, node] of this.nodes) this.markOne(id, node);
  }

  markOne(id, node) {
    const key = `${node.view.place}/${id}`;
    node.classList.toggle("live", this.live.has(key));
    node.classList.toggle("chosen", this.chosen.has(key));
  }

  render() {
    if (!this.place) return;
    const all = this.views.get(this.place.id) ?? new Map();
    const views = [...all.values()].slice(-SHOWN);
    const writer = this.composer.who.person.name;
    const roots = [];
    const threads = new Map();
    let last = null;
    for (const view of views) {
      const node = this.node(view);
      node.classList.toggle("own", !view.bot && view.author === writer);
      this.markOne(view.id, node);
      if (view.thread && view.thread !== view.id && all.has(view.thread)) {
        if (!threads.has(view.thread)) threads.set(view.thread, []);
        threads.get(view.thread).push(node);
        node.classList.remove("goes-on");
        continue;
      }
      const quoted = all.get(view.quotes);
      quote(node, quoted, () => this.nodes.get(quoted.id)?.scrollIntoView({ block: "center", behavior: "smooth" }));
      node.classList.toggle("goes-on", Boolean(last && !quoted && last.author === view.author && view.at - last.at < 300 && !threads.has(last.id)));
      last = view;
      roots.push([view, node]);
    }
    const children = [];
    if (all.size > views.length) children.push(el("p", { class: "older" }, `${all.size - views.length} older messages are not shown`));
    for (const [view, node] of roots) {
      children.push(node);
      const replies = threads.get(view.id);
      if (replies) children.push(this.thread(view, replies));
    }
    if (!views.length) children.push(el("p", { class: "empty" }, el("b", {}, this.skin.placeLabel(this.place)), "Nothing here yet. Write something, or take one of the suggestions below."));
    this.flow.replaceChildren(...children);
    this.follow();
  }

  thread(root, replies) {
    return el(
      "div",
      { class: "thread" },
      ...replies,
      el("button", { type: "button", class: "thread-reply", onclick: () => this.composer.reply(root) }, "Reply in this thread"),
    );
  }

  node(view) {
    let node = this.nodes.get(view.id);
    if (!node) {
      node = message(view, this.skin, {
        onReply: (one) => this.composer.reply(this.views.get(this.place.id).get(one.thread) ?? one),
        onSelect: (one) => this.onSelect(one.place, one.id),
        onPress: (one, button) => ask("api/press", { platform: this.platform, place: this.place.id, message: one.id, button, author: this.composer.who.person.id }),
        fileAddress: (one, number) => `api/file?${new URLSearchParams({ platform: this.platform, place: one.place, message: one.id, number })}`,
      });
      this.nodes.set(view.id, node);
    } else update(node, view);
    return node;
  }

  atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
  }

  follow() {
    if (this.stuck) this.list.scrollTop = this.list.scrollHeight;
  }

  async send(said) {
    this.stuck = true;
    return ask("api/say", { platform: this.platform, place: this.place.id, ...said });
  }
}
