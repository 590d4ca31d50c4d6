// The chat page: a list of conversations, and one of them.

import { Api } from "./api.js";
import { Conversation } from "./conversation.js";

const KEPT = "threadbridge-token";
const at = (id) => document.getElementById(id);

let api = null;
let conversation = null;
let page = 1;

function door(note = "") {
  conversation?.close();
  sessionStorage.removeItem(KEPT);
  at("chat").hidden = true;
  at("door").hidden = false;
  at("door-note").textContent = note;
  at("token").focus();
}

async function enter(token) {
  api = new Api(token);
  try {
    await list();
    offer(await api.assistants());
  } catch (error) {
    door(error.status === 401 ? "This token is not known here." : error.message);
    return;
  }
  sessionStorage.setItem(KEPT, token);
  at("token").value = "";
  at("door").hidden = true;
  at("chat").hidden = false;
  show();
}

// --- the list ---

async function list() {
  page = 1;
  const found = await api.threads(page);
  at("threads").replaceChildren(...found.threads.map(entry));
  at("older").hidden = !found.pagination.hasMore;
}

async function older() {
  page += 1;
  const found = await api.threads(page);
  const known = new Set([...at("threads").children].map((one) => one.dataset.thread));
  at("threads").append(...found.threads.filter((one) => !known.has(one.id)).map(entry));
  at("older").hidden = !found.pagination.hasMore;
}

function entry(thread) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  item.dataset.thread = thread.id;
  link.href = `#${thread.id}`;
  link.textContent = thread.preview;
  const when = document.createElement("time");
  when.dateTime = thread.updatedAt;
  when.textContent = new Date(thread.updatedAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  link.append(when);
  item.append(link);
  mark(item);
  return item;
}

function mark(item) {
  const here = item.dataset.thread === chosen();
  item.querySelector("a").toggleAttribute("aria-current", here);
  if (here) at("title").textContent = item.querySelector("a").firstChild.textContent;
}

// --- the assistants that may be chosen, if there are several ---

function offer(names) {
  at("assistants").hidden = !names.length;
  at("assistants").replaceChildren(new Option("Another assistant …", ""), ...names.map((name) => new Option(name)));
}

async function choose() {
  const name = at("assistants").value;
  at("assistants").value = ""; // which one answers is said in the conversation
  if (name) await say({ command: "use", text: name });
}

// --- the conversation ---

function chosen() {
  return location.hash.slice(1);
}

function show() {
  const thread = chosen();
  if (!api || at("chat").hidden) return;
  if (conversation?.thread === thread && thread) return;
  conversation?.close();
  at("title").textContent = thread ? "" : "New conversation";
  conversation = new Conversation(api, thread, {
    refused: (error) => (error.status === 401 ? door("This token is no longer known here.") : undefined),
    settled: () => list().catch(() => undefined),
  });
  for (const item of at("threads").children) mark(item);
  menu(false);
  at("text").focus();
}

function menu(open) {
  at("side").classList.toggle("open", open);
  at("menu").setAttribute("aria-expanded", String(open));
}

async function send() {
  const text = at("text").value.trim();
  if (!text) return;
  at("send").disabled = true;
  const said = await say({ text });
  at("send").disabled = false;
  if (said) {
    at("text").value = "";
    fit();
  }
  at("text").focus();
}

async function say(message) {
  const said = await conversation.say(message);
  if (said) {
    if (!chosen()) history.replaceState(null, "", `#${conversation.thread}`);
    await list().catch(() => undefined);
  }
  return said;
}

function fit() {
  const box = at("text");
  box.rows = Math.min(8, Math.max(1, box.value.split("\n").length));
}

at("door").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(at("token").value.trim());
});
at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
at("text").addEventListener("input", fit);
at("stop").addEventListener("click", () => conversation.say({ command: "stop" }));
at("begin").addEventListener("click", () => {
  history.replaceState(null, "", location.pathname);
  show();
});
at("assistants").addEventListener("change", choose);
at("older").addEventListener("click", () => older().catch(() => undefined));
at("leave").addEventListener("click", () => door());
at("menu").addEventListener("click", () => menu(!at("side").classList.contains("open")));
window.addEventListener("hashchange", show);

const kept = sessionStorage.getItem(KEPT);
if (kept) enter(kept);
else door();
