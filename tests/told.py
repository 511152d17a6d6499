"""A progress that keeps what it is told."""

from geoarseg.progress import Progress


class Told(Progress):
    """Keeps messages, warnings and names of stages; Ctrl-C when `stop_at` units of `stage` (None: of any) are done."""

    def __init__(self, stop_at=None, *, stage=None):
        super().__init__()
        self.texts, self.warnings, self.stages = [], [], []
        self.stop_at, self.stop_stage = stop_at, stage

    def message(self, text):
        self.texts.append(text)

    def warning(self, text):
        self.warnings.append(text)

    def on_start(self, stage):
        self.stages.append(stage.name)

    def on_change(self, stage):
        if self.stop_at is not None and self.stop_stage in (None, stage.name) and stage.done >= self.stop_at:
            raise KeyboardInterrupt
