"""What the people of one platform see, kept up to date and told as differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sandbox.discord import DiscordServer
from sandbox.feed import Happening
from sandbox.files import File, files
from sandbox.playground.record import Turn, names
from sandbox.stand_in import Place, StandIn, View

Tell = Callable[[str, dict[str, Any]], None]


def listens(platform: str, happening: Happening) -> bool | None:
    """Whether this is the sign that a program hears from now on what people say there, or no longer does. None: it is
    neither."""
    data = happening.data
    match platform, happening.kind:
        case "slack", "connected" | "disconnected":
            return bool(data["connections"])
        case "discord", "gateway":
            return {"identify": True, "resume": True, "disconnected": False}.get(data["what"])
        case "telegram", "call" if data["name"] == "getUpdates":
            return True
        case _:
            return None


class Mirror:
    def __init__(self, stand_in: StandIn, tell: Tell) -> None:
        self._stand_in = stand_in
        self._tell = tell
        self.name = stand_in.name
        self.places: list[Place] = stand_in.places()
        self._views: dict[str, dict[str, View]] = {}
        self.connected = False
        """The program is there to hear what people say."""
        for place in self.places:
            self._views[place.id] = {view.id: view for view in stand_in.view(place.id)}

    def state(self) -> dict[str, Any]:
        return {
            "places": [asdict(place) for place in self.places],
            "views": {place: [self._shown(view) for view in views.values()] for place, views in self._views.items()},
            "connected": self.connected,
        }

    def see(self, happening: Happening) -> None:
        match happening.kind:
            case "message" | "edit" | "reaction":
                self._refresh_places()
                view = View(**happening.data["view"])
                for place in {str(happening.data["place"]), view.place}:  # a thread, and the place that it is in
                    self._show(place, view)
            case "delete" | "draft":
                gone = str(happening.data["id"])
                for place in {str(happening.data["place"])} | {
                    key for key, held in self._views.items() if gone in held
                }:
                    self._refresh(place)
            case "thread":
                self._refresh_places()
            case "typing":
                told = {"platform": self.name, "place": str(happening.data["place"])}
                self._tell("typing", {**told, "on": happening.data.get("status") != ""})
            case _:
                heard = listens(self.name, happening)
                if heard is not None:
                    self.connect(heard)

    def connect(self, connected: bool) -> None:
        if connected != self.connected:
            self.connected = connected
            self._tell("connected", {"platform": self.name, "connected": connected})

    def _refresh_places(self) -> None:
        places = self._stand_in.places()
        if places != self.places:
            self.places = places
            self._tell("places", {"platform": self.name, "places": [asdict(place) for place in places]})

    def _show(self, place: str, view: View) -> None:
        """One message, new or changed. The others are not looked at: rendering them all for each edit would take longer
        the more was said."""
        views = self._views.setdefault(place, {})
        new = view.id not in views
        if views.get(view.id) != view:
            views[view.id] = view
            told = {"platform": self.name, "place": place, "changed": [self._shown(view)]}
            self._tell("messages", {**told, "order": list(views)} if new else told)

    def _refresh(self, place: str) -> None:
        before = self._views.get(place, {})
        after = {view.id: view for view in self._stand_in.view(place)}
        self._views[place] = after
        changed = [self._shown(view) for id, view in after.items() if before.get(id) != view]
        told: dict[str, Any] = {"platform": self.name, "place": place, "changed": changed}
        if list(before) != list(after):
            told["order"] = list(after)
        if changed or "order" in told:
            self._tell("messages", told)

    def _shown(self, view: View) -> dict[str, Any]:
        """For the page: `thread` is the message whose thread it stands in, `quotes` the one that it replies to."""
        shown = asdict(view)
        held = files(self._stand_in, view)
        shown["files"] = [{"name": one.name, "size": one.size, "picture": one.picture} for one in held]
        parent = shown.pop("parent")
        if isinstance(self._stand_in, DiscordServer):
            message = self._stand_in.world.messages.get(view.id)
            return {**shown, "thread": parent, "quotes": message.reference if message is not None else None}
        threaded = self.name == "slack"
        return {**shown, "thread": parent if threaded else None, "quotes": None if threaded else parent}

    def files(self, place: str, message: str) -> list[File]:
        view = self.view(place, message)
        return files(self._stand_in, view) if view is not None else []

    # --- finding what the program wrote down ----------------------------------------------------------------------

    def view(self, place: str, message: str) -> View | None:
        return self._views.get(place, {}).get(message)

    def find(self, turn: Turn, stored: str | None) -> View | None:
        """The message that a bridge wrote down for this turn. Ids may be unique only within a place, so one in a
        place that the turn's thread names comes first."""
        found = [view for views in self._views.values() for id, view in views.items() if names(stored, id)]
        return next((view for view in found if view.place in turn.thread), found[0] if found else None)
