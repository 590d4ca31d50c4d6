// How the three differ, beyond their style sheets.

const SIGNS = { channel: "#", forum: "#" };

function label(place) {
  if (place.kind === "direct") return `${place.name.split(" ")[0].replace(/^./, (letter) => letter.toUpperCase())}’s direct chat`;
  return (place.name.startsWith("#") || place.name.includes(" ") ? "" : (SIGNS[place.kind] ?? "")) + place.name;
}

export const SKINS = {
  slack: {
    title: "Slack",
    threads: true,
    replyLabel: "Reply in thread",
    replying: (name) => `Thread with ${name}`,
    placeLabel: label,
    placeholder: (place) => (place.kind === "direct" ? "Message Threadbridge" : `Message ${label(place)}`),
    app: "APP",
  },
  discord: {
    title: "Discord",
    threads: false,
    replyLabel: "Reply",
    replying: (name) => `Replying to ${name}`,
    placeLabel: label,
    placeholder: (place) => (place.kind === "direct" ? "Message @Threadbridge" : `${place.kind === "forum" ? "New post in" : "Message"} ${label(place)}`),
    app: "APP",
  },
  telegram: {
    title: "Telegram",
    threads: false,
    replyLabel: "Reply",
    replying: (name) => `Reply to ${name}`,
    placeLabel: label,
    placeholder: () => "Message",
    quoteInside: true,
    app: "bot",
  },
};

export const CHIPS = ["Show me everything", "A table", "A long answer", "My name is Ann", "What is my name?"];
