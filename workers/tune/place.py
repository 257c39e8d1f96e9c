"""The room for the next trial, which Ray grants before the trial is proposed."""

from __future__ import annotations

from ray.air.execution import ResourceManager
from ray.tune import PlacementGroupFactory

from nas.specs import Resources
from workers.trainables.process import share_of


class Place:
    """One reservation of what a trial takes, asked of Ray ahead of the trial.

    Ray grants it when there is room, whatever other searches take and whichever nodes join later. Who holds it keeps
    the resources from others: give it back when no trial is to follow.

    Args:
        manager: Tune's manager of reservations; its processes are started in what it has been granted.
        resources: What a trial takes.
        processes: How many processes do a trial's work.
    """

    def __init__(self, manager: ResourceManager, resources: Resources, processes: int) -> None:
        self._manager = manager
        self._request = PlacementGroupFactory([share_of(resources)] * processes)
        self._for_tune = processes == 1
        self._asked = False

    @property
    def granted(self) -> bool:
        """Whether there is room for a trial now."""
        return self._asked and bool(self._manager.has_resources_ready(self._request))

    def ask(self) -> None:
        """Ask for the room of one trial, unless that was done before."""
        if not self._asked:
            self._manager.request_resources(self._request)
            self._asked = True

    def take(self) -> None:
        """Use the place for a trial that is about to be launched.

        Tune asks for a place for the trial's process, takes the granted one, and so leaves its own as the next. A
        trial of several processes gets its room from Ray Train, which has to find it free.
        """
        if not self._for_tune:
            self.give_back()

    def give_back(self) -> None:
        """Ask for no room any more, and free what was granted."""
        if self._asked:
            self._manager.cancel_resource_request(self._request)
            self._asked = False
