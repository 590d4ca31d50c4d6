// One message as an element, the same for the three platforms; their style sheets make the difference.

import { bridgeMark, clock, el, icon, initials, size } from "./dom.js";

const REPLY = "M8 4 3 9l5 5M3.5 9H11c4 0 6 2.5 6 6.5";
/** Slack's names of emoji. */
const EMOJI = { hourglass_flowing_sand: "⏳" };
const HUES = [262, 28, 152, 338, 204, 48];

function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return HUES[sum % HUES.length];
}

export function avatar(name, bot) {
  if (bot) return el("span", { class: "avatar avatar-bot" }, bridgeMark());
  const node = el("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
  node.style.setProperty("--hue", hue(name));
  return node;
}

const quoteLine = () => el("button", { class: "quote", type: "button", hidden: true });

/** Makes the element of a view; `update` brings it to a newer one. */
export function message(view, skin, { onReply, onSelect, onPress, fileAddress }) {
  const author = el("b", { class: "author" }, view.author);
  author.style.setProperty("--hue", hue(view.author));
  const node = el(
    "article",
    { class: `message ${view.bot ? "from-bot" : "from-person"}`, "data-id": view.id },
    skin.quoteInside ? null : quoteLine(),
    avatar(view.author, view.bot),
    el(
      "div",
      { class: "bubble" },
      el("header", {}, author, view.bot ? el("span", { class: "app" }, skin.app) : null, el("time", {}, clock(view.at))),
      skin.quoteInside ? quoteLine() : null,
      el("div", { class: "text" }),
      el("div", { class: "files" }, ...view.files.map((file, number) => attachment(file, fileAddress(view, number)))),
      el("div", { class: "buttons", role: "group", "aria-label": "Buttons", onclick: (event) => event.target.matches("button") && onPress(node.view, event.target.textContent) }),
      el("div", { class: "reactions", "aria-label": "Reactions" }),
      el("footer", {}, el("span", { class: "edited" }), el("time", {}, clock(view.at))),
    ),
    el("button", { class: "act", type: "button", title: skin.replyLabel, "aria-label": `${skin.replyLabel}: ${view.author}`, onclick: () => onReply(node.view) }, icon(REPLY)),
  );
  node.addEventListener("click", (event) => {
    if (!event.target.closest("a, button") && !String(getSelection())) onSelect(node.view);
  });
  update(node, view);
  return node;
}

function attachment({ name, size: bytes, picture }, address) {
  if (picture) return el("a", { href: address, target: "_blank", rel: "noopener", title: name }, el("img", { src: address, alt: name, loading: "lazy" }));
  return el("a", { class: "file", href: address, download: name }, el("b", {}, name), el("span", {}, size(bytes)));
}

/** Inline styles are forbidden here; those of table cells, the only ones that Markdown makes, become classes. */
const allowed = (html) => html.replaceAll(/<(t[dh]) style="text-align:(left|right|center)">/g, '<$1 class="to-$2">');

export function update(node, view) {
  const text = node.querySelector(".text");
  if (node.view?.html !== view.html) {
    const scrolled = [...text.querySelectorAll("pre")].map((one) => one.scrollLeft);
    text.innerHTML = allowed(view.html); // the stand-in's rendering: escaped there, and no script runs under this page's policy
    text.querySelectorAll("pre").forEach((one, index) => (one.scrollLeft = scrolled[index] ?? 0));
    for (const link of text.querySelectorAll("a")) {
      link.target = "_blank";
      link.rel = "noopener noreferrer";
    }
  }
  if (String(node.view?.buttons ?? "") !== String(view.buttons)) {
    node.querySelector(".buttons").replaceChildren(...view.buttons.map((label) => el("button", { type: "button" }, label)));
  }
  if (String(node.view?.reactions ?? "") !== String(view.reactions)) {
    node.querySelector(".reactions").replaceChildren(...view.reactions.map((name) => el("span", { title: name }, EMOJI[name] ?? name)));
  }
  node.querySelector(".edited").textContent = view.edits ? `edited ×${view.edits}` : "";
  node.classList.toggle("draft", view.draft);
  node.view = view;
}

/** The line over a message that answers another. */
export function quote(node, quoted, onClick) {
  const line = node.querySelector(".quote");
  line.hidden = !quoted;
  if (!quoted) return;
  line.replaceChildren(el("b", {}, quoted.author), el("span", {}, quoted.text.slice(0, 140) || "…"));
  line.onclick = onClick;
}
