// The page: three panes with an inspector each, kept up to date by what the server tells.

import { listen } from "./api.js";
import { Controls } from "./controls.js";
import { el } from "./dom.js";
import { Inspector } from "./inspector.js";
import { Operator } from "./operator.js";
import { Pane } from "./pane.js";
import { SKINS } from "./skins.js";

const controls = new Controls();
const panes = {};
const operators = {};
const inspectors = {};
const tabs = {};
let turns = [];

function build({ people, files }) {
  for (const [platform, skin] of Object.entries(SKINS)) {
    inspectors[platform] = new Inspector(skin.title, () => mark(platform));
    operators[platform] = new Operator(skin.title);
    panes[platform] = new Pane(platform, skin, people, files, (place, id) => inspectors[platform].select(place, id));
    const parts = [panes[platform], operators[platform], inspectors[platform]];
    const column = el("div", { class: "column", "data-platform": platform }, ...parts.map((part) => part.element));
    document.getElementById("panes").append(column);
    tabs[platform] = el("button", { type: "button", class: "tab", role: "tab", "data-platform": platform, onclick: () => choose(platform) }, skin.title, el("span", { class: "dot", hidden: true }));
    document.getElementById("tabs").append(tabs[platform]);
  }
  document.getElementById("tabs").setAttribute("role", "tablist");
  choose("slack");
}

function choose(platform) {
  for (const column of document.querySelectorAll(".column")) column.classList.toggle("chosen", column.dataset.platform === platform);
  for (const [name, tab] of Object.entries(tabs)) tab.setAttribute("aria-selected", String(name === platform));
  tabs[platform].querySelector(".dot").hidden = true;
  panes[platform].follow();
}

function show(told) {
  turns = told;
  for (const platform of Object.keys(SKINS)) {
    inspectors[platform].setTurns(turns.filter((turn) => turn.bridge === platform));
    mark(platform);
  }
}

function admit({ waiting, let_in }) {
  for (const platform of Object.keys(SKINS)) {
    operators[platform].setWaiting(waiting.filter((one) => one.bridge === platform));
    panes[platform].composer.setLetIn(let_in.filter((one) => one.bridge === platform).map((one) => one.name));
  }
}

function mark(platform) {
  const key = (message) => `${message.place}/${message.id}`;
  const live = turns.filter((turn) => turn.bridge === platform && turn.state === "running").map((turn) => turn.parts.filter(Boolean).at(-1));
  const selected = inspectors[platform].selected === null ? null : inspectors[platform].turn;
  const chosen = selected ? [selected.asked, ...selected.parts].filter(Boolean) : [];
  panes[platform].mark(new Set(live.filter(Boolean).map(key)), new Set(chosen.map(key)));
}

listen({
  state(state) {
    if (!Object.keys(panes).length) build(state);
    controls.offset = undefined;
    controls.load(state);
    for (const [platform, held] of Object.entries(state.platforms)) panes[platform].load(held);
    show(state.turns);
    for (const operator of Object.values(operators)) operator.load();
    admit(state.access);
    document.body.dataset.ready = "yes";
  },
  messages(told) {
    panes[told.platform].receive(told);
    if (tabs[told.platform].getAttribute("aria-selected") !== "true") tabs[told.platform].querySelector(".dot").hidden = false;
  },
  places: ({ platform, places }) => panes[platform].setPlaces(places),
  typing: ({ platform, place, on }) => panes[platform].showTyping(place, on),
  connected: ({ platform, connected }) => panes[platform].setConnected(connected),
  turns: show,
  access: admit,
  program: (program) => controls.setProgram(program),
  kind: ({ kind }) => controls.setKind(kind),
  speed: ({ speed }) => controls.setSpeed(speed),
  faults: (faults) => controls.setFaults(faults),
  lost: () => controls.lost(),
});
