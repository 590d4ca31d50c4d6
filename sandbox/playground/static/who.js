// As whom one speaks: two people who are let in, and a stranger, until an operator lets in that one too.

import { el } from "./dom.js";

export class Who {
  constructor(title, people, onChange) {
    this.people = people;
    const name = `who-${title.toLowerCase()}`;
    this.notes = new Map(people.map((person) => [person, el("small", { hidden: !person.stranger }, "stranger")]));
    this.inputs = people.map((person, index) => el("input", { type: "radio", name, value: person.id, checked: index === 0, onchange: () => onChange() }));
    this.element = el(
      "div",
      { class: "who", role: "radiogroup", "aria-label": `Who speaks in ${title}` },
      ...people.map((person, index) => el("label", { title: `Speak as ${person.name}` }, this.inputs[index], el("span", {}, person.name.split(" ")[0], this.notes.get(person)))),
    );
  }

  get person() {
    return this.people[this.inputs.findIndex((input) => input.checked)];
  }

  get isStranger() {
    return !this.notes.get(this.person).hidden;
  }

  /** The names of those whom the operator has let in. */
  setLetIn(names) {
    for (const [person, note] of this.notes) note.hidden = !person.stranger || names.includes(person.name);
  }
}
