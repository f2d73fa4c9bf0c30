"""All that can be chosen of a person: body, skin, hair, face, outfit and scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFrame, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from poseapp.core.person_values import GROUPS, SLOTS, Values, changed, value, with_worn, worn
from poseapp.ui.dialogs.person_outfit import WearRow
from poseapp.ui.dialogs.person_widgets import (
    HAIR_COLOURS,
    Choice,
    ColourButton,
    Section,
    ValueSlider,
    named_row,
)
from poseapp.ui.panels.caption_form import MAX_SEED, tool_button

_STANDING, _CANVAS = "standing", "canvas"
_PLAIN_BACKGROUND = "studio"


class PersonForm(QScrollArea):
    """Shows the values of one person and says when one of them is changed by hand."""

    edited = Signal(object)
    """Values of the person after a change."""
    scene_changed = Signal()
    rolled = Signal(str)
    """The dice of one group was thrown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._person: Values = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.sliders: dict[str, ValueSlider] = {}
        self.choices: dict[str, Choice] = {}
        self.sections: dict[str, Section] = {}
        self.wear: dict[str, WearRow] = {}
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 6, 0)
        self._column.setSpacing(6)
        self._build_body()
        self._build_skin()
        self._build_hair()
        self._build_face()
        self._outfit = self._section("outfit", "Outfit")
        self._build_scene()
        self._column.addStretch(1)
        self.setWidget(inside)

    # -- state -------------------------------------------------------------------------------
    @property
    def person(self) -> Values:
        """The values as they stand."""
        return self._person

    @property
    def locked(self) -> tuple[str, ...]:
        """Groups and pieces that the dice leaves alone."""
        groups = [g for g in GROUPS if self.sections[g].locked]
        pieces = [f"outfit.{slot}" for slot, row in self.wear.items() if row.lock.isChecked()]
        return (*groups, *pieces)

    def locked_but(self, group: str) -> tuple[str, ...]:
        """What stays when the dice of one group is thrown."""
        pieces = [name for name in self.locked if name.startswith("outfit.")]
        others = [g for g in GROUPS if g != group]
        return (*others, *(pieces if group == "outfit" else ()))

    def offer(self, options: dict[str, Any]) -> None:
        """Take over what the studio can dress and comb people with."""
        for path, key in (
            ("hair.style", "hair"),
            ("face.expression", "expressions"),
            ("face.eyes", "eyes"),
            ("face.eyebrows", "eyebrows"),
        ):
            self.choices[path].offer(_names(options.get(key)))
            self.choices[path].setEnabled(self.choices[path].count() > 1)
        kinds = _names(options.get("backgrounds"))
        first = self.background.count() == 0
        self.background.offer(kinds)
        if first and _PLAIN_BACKGROUND in kinds:
            self.background.show_name(_PLAIN_BACKGROUND)
        self._offer_outfit(options)

    def show_person(self, person: Values) -> None:
        """Show the values of a person without saying that they changed."""
        self._person = person
        for path, slider in self.sliders.items():
            slider.show_value(float(value(person, path, 0.0)))
        for path, choice in self.choices.items():
            choice.show_name(str(value(person, path, "")))
        self.hair_colour.show_colour(str(value(person, "hair.colour", HAIR_COLOURS[2])))
        for slot, row in self.wear.items():
            row.show_wear(worn(person, slot))

    @property
    def takes_canvas_pose(self) -> bool:
        """The person is wanted in the pose of the canvas."""
        return bool(self.pose.currentData() == _CANVAS)

    def offer_canvas_pose(self, name: str) -> None:
        """Whose pose there is on the canvas; "" for nobody's."""
        self.pose.setItemText(
            0, f"Of {name} on the canvas" if name else "Standing: nobody is on the canvas"
        )
        self.pose.setEnabled(bool(name))
        self.pose.setToolTip("" if name else "There is nobody on the canvas")
        self._show_turn()

    @property
    def turn_deg(self) -> float:
        """How far a standing person is turned."""
        return self.turn.value

    # -- construction ------------------------------------------------------------------------
    def _section(self, group: str, title: str, random: bool = True) -> Section:
        section = Section(group, title, random)
        section.rolled.connect(self.rolled)
        self.sections[group] = section
        self._column.addWidget(section)
        return section

    def _slide(
        self, section: Section, path: str, name: str, low: float, high: float, **look: Any
    ) -> None:
        slider = ValueSlider(path, name, low, high, **look)
        slider.changed.connect(self._on_value)
        self.sliders[path] = slider
        section.rows.addWidget(slider)

    def _choose(self, section: Section, path: str, name: str, none: str = "") -> None:
        choice = Choice(name, none)
        choice.setProperty("path", path)
        choice.chosen.connect(self._on_choice)
        self.choices[path] = choice
        section.rows.addLayout(named_row(name, choice))

    def _build_body(self) -> None:
        body = self._section("body", "Body")
        self._slide(body, "body.age_years", "Age", 3, 90, step=1, unit=" y")
        self._slide(body, "body.gender", "Gender", 0, 1, ends=("Feminine", "masculine"))
        self._slide(body, "body.muscle", "Muscle", 0, 1, ends=("Slack", "muscular"))
        self._slide(body, "body.weight", "Weight", 0, 1, ends=("Thin", "heavy"))
        self._slide(body, "body.height", "Height", 0, 1, ends=("Short", "tall"))
        self._slide(
            body, "body.proportions", "Proportions", 0, 1, ends=("Uncommon", "ideal proportions")
        )
        for key, name in (("african", "African"), ("asian", "Asian"), ("caucasian", "European")):
            tip = f"Share of {name} features in body and face; the shares count"
            self._slide(body, f"body.{key}", name, 0, 1, tip=tip)

    def _build_skin(self) -> None:
        skin = self._section("skin", "Skin")
        self._slide(skin, "skin.tone", "Tone", 0, 1, ends=("Very light", "very dark"))
        self._slide(skin, "skin.warmth", "Warmth", -1, 1, ends=("Cool", "warm"))
        self._slide(skin, "skin.blemish", "Blemishes", 0, 1, ends=("Smooth", "freckles and spots"))

    def _build_hair(self) -> None:
        hair = self._section("hair", "Hair")
        self._choose(hair, "hair.style", "Style", "None")
        self.hair_colour = ColourButton("Hair colour", HAIR_COLOURS)
        self.hair_colour.picked.connect(self._on_hair_colour)
        row = named_row("Colour", self.hair_colour)
        row.addStretch(1)
        hair.rows.addLayout(row)
        self._slide(hair, "hair.grey", "Grey", 0, 1, tip="Share of grey hairs")
        self._slide(hair, "hair.roughness", "Roughness", 0, 1, ends=("Sleek", "tousled"))

    def _build_face(self) -> None:
        face = self._section("face", "Face")
        self._choose(face, "face.expression", "Expression", "Neutral")
        self._slide(face, "face.strength", "Strength", 0, 1, tip="Strength of the expression")
        self._choose(face, "face.eyes", "Eyes")
        self._choose(face, "face.eyebrows", "Eyebrows", "As it comes")

    def _build_scene(self) -> None:
        scene = self._section("scene", "Scene", random=False)
        self.pose = QComboBox()
        self.pose.setAccessibleName("Pose")
        self.pose.addItem("Of the canvas", _CANVAS)
        self.pose.addItem("Standing", _STANDING)
        self.pose.currentIndexChanged.connect(self._on_pose)
        scene.rows.addLayout(named_row("Pose", self.pose))
        self.background = Choice("Background")
        self.background.chosen.connect(self.scene_changed)
        scene.rows.addLayout(named_row("Background", self.background))
        self.scene_seed = QSpinBox()
        self.scene_seed.setRange(0, MAX_SEED)
        self.scene_seed.setKeyboardTracking(False)
        self.scene_seed.setAccessibleName("Seed of light and background")
        self.scene_seed.setToolTip("Another number gives another light and background")
        self.scene_seed.valueChanged.connect(self.scene_changed)
        again = tool_button("dice", "Another light and background")
        again.clicked.connect(self._on_scene_dice)
        row = named_row("Light", self.scene_seed, again)
        row.addStretch(1)
        scene.rows.addLayout(row)
        self.turn = ValueSlider("turn", "Turn", -180, 180, step=5, unit="°")
        self.turn.slider.setToolTip("Turn a standing person; a pose of the canvas has its own turn")
        self.turn.changed.connect(self.scene_changed)
        scene.rows.addWidget(self.turn)

    def _offer_outfit(self, options: dict[str, Any]) -> None:
        items = {k: _names(v) for k, v in dict(options.get("items", {})).items()}
        cuttable = options.get("cuttable", ())
        patterns = _names(options.get("patterns")) or ("plain",)
        for row in self.wear.values():
            row.deleteLater()
        self.wear = {}
        for slot in (*SLOTS, *(s for s in items if s not in SLOTS)):
            if items.get(slot):
                row = WearRow(slot, items[slot], frozenset(cuttable), patterns)
                row.changed.connect(self._on_wear)
                self._outfit.rows.addWidget(row)
                self.wear[slot] = row

    # -- changes -----------------------------------------------------------------------------
    def _edit(self, person: Values) -> None:
        self._person = person
        self.edited.emit(person)

    @Slot(str, float)
    def _on_value(self, path: str, new: float) -> None:
        self._edit(changed(self._person, path, new))

    @Slot(str)
    def _on_choice(self, name: str) -> None:
        choice = self.sender()
        assert isinstance(choice, Choice)
        self._edit(changed(self._person, str(choice.property("path")), name))

    @Slot(str)
    def _on_hair_colour(self, colour: str) -> None:
        self._edit(changed(self._person, "hair.colour", colour))

    @Slot(str, object)
    def _on_wear(self, slot: str, wear: Values | None) -> None:
        person = with_worn(self._person, slot, wear)
        for other, row in self.wear.items():
            if other != slot:
                row.show_wear(worn(person, other))
        self._edit(person)

    @Slot()
    def _on_pose(self) -> None:
        self._show_turn()
        self.scene_changed.emit()

    def _show_turn(self) -> None:
        self.turn.setEnabled(not (self.takes_canvas_pose and self.pose.isEnabled()))

    @Slot()
    def _on_scene_dice(self) -> None:
        import random

        self.scene_seed.setValue(random.randrange(MAX_SEED + 1))


def _names(found: Any) -> tuple[str, ...]:
    """Names that the studio offers; a table gives its keys."""
    if found is None or isinstance(found, str):
        return ()
    names: Sequence[Any] = list(found)
    return tuple(str(name) for name in names)
