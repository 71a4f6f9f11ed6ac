"""The shapes of pieces, drawn for this package: chess pieces as outlines, shogi pieces as strokes in a pentagon.

No font is needed, so a board looks the same on a machine without Japanese letters.
"""

from __future__ import annotations

_BASE = '<path d="M9.5 34.8H35.5V38.5H9.5Z"/>'
# Each in a square of 45 units, by Position.cells()'s kind.
CHESS = {
    1: '<circle cx="22.5" cy="13" r="5.6"/><path d="M22.5 18.5C17 18.5 16 22 18.5 24.5C14 27 12.5 31 12 34.8H33C32.5 31 31 27 26.5 24.5'
    f'C29 22 28 18.5 22.5 18.5Z"/>{_BASE}',
    2: '<path d="M14 34.8C14 27 21.5 24.5 20.3 18.3C18.5 20.3 16.8 20.8 15.6 22.7C14.4 24.4 11.4 25 10.4 23C9.4 21 12 18.5 13 15.5'
    'C14 11.5 17 9.5 20 8.5L21.3 5.2L24.2 8.5C31.5 9.8 35 17.5 33.5 34.8Z"/>'
    f'<circle class="ink" cx="18" cy="13.9" r="1.1"/>{_BASE}',
    3: '<circle cx="22.5" cy="7.6" r="2.6"/><path d="M22.5 10.2C16 15 13.2 20 15 25C16 27.6 19 28.6 22.5 28.6C26 28.6 29 27.6 30 25'
    'C31.8 20 29 15 22.5 10.2Z"/><path class="line" d="M22.5 15.5V22.5M19 19H26"/>'
    f'<path d="M16 28.6H29L31.5 34.8H13.5Z"/>{_BASE}',
    4: '<path d="M11 8.5H15.5V12H20V8.5H25V12H29.5V8.5H34V16L30.5 19V29.5L33.5 34.8H11.5L14.5 29.5V19L11 16Z"/>'
    f'<path class="line" d="M14.5 19H30.5M14.5 29.5H30.5"/>{_BASE}',
    5: '<path d="M8.5 14L14 26L15.5 11L20 25L22.5 9L25 25L29.5 11L31 26L36.5 14L33 31L31.5 34.8H13.5L12 31Z"/>'
    '<circle cx="8.5" cy="12.4" r="2"/><circle cx="15.3" cy="9.4" r="2"/><circle cx="22.5" cy="7.4" r="2"/>'
    f'<circle cx="29.7" cy="9.4" r="2"/><circle cx="36.5" cy="12.4" r="2"/>{_BASE}',
    6: '<path d="M21.2 3.5H23.8V6.5H26.8V9H23.8V13.5H21.2V9H18.2V6.5H21.2Z"/>'
    '<path d="M22.5 14.5C18 12.6 12 14.6 10 19.2C8.5 23.4 11.5 27.2 14 30.2V34.8H31V30.2C33.5 27.2 36.5 23.4 35 19.2'
    'C33 14.6 27 12.6 22.5 14.5Z"/>'
    f'<path class="line" d="M22.5 15V29.5M14 30H31"/>{_BASE}',
}

PENTAGON = "M30 5L45.5 12L51 55H9L14.5 12Z"  # in a square of 60 units
# Strokes in a square of 24 units, by Position.cells()'s kind; 8 more where promoted. Gote's king is the one without a dot.
SHOGI = {
    1: "M12 2V10.5M12 5.5H18M7 5V10.5M2.5 10.5H21.5M12 12V17.5C12 18.8 11 18.5 10 18M7.5 13.5L4.5 17M16.5 13L20 16.5"
    "M19.5 17C16 20.5 11 22 4.5 22.5",
    2: "M17 2.2L7.5 4.2M3 7.5H21M12 3.8V12.5M11.5 7.8C9.5 10.5 6.5 12.5 2.5 14M12.5 7.8C14.5 10.5 17.5 12.5 21.5 14"
    "M7 14.2H17V22.5H7ZM7 18.3H17",
    3: "M1.5 7.5H10.5M6 2V22.5M6 8C5 12 3.5 15 1.5 17.5M6.3 9.5L10 14M12.5 5.5H22M17.2 2V10.5M11.5 10.5H23M12.5 15.5H22"
    "M17.2 12V21.8M11 21.8H23",
    4: "M6.5 2L2 8M6.5 2L11 8M4.3 9H8.9M2.5 13H10.5M6.5 9V20.5M3.6 15.5L4.6 18.5M9.4 15.5L8.4 18.5M2 21.3L11 20"
    "M13.5 3H21V11.5H13.5M13.5 7.2H21M13.5 3V21.5L18 19M22 13L17.5 16M16 11.5C17 16 19.5 20 23 21.8",
    5: "M10 2L4 8M9 4.5H15.5L13.5 8M6 8H19V22L16.5 21.5M6 8V15C6 18 5 20.5 3 22.5M6 12.2H19M6 16.5H19M12.5 8V21",
    6: "M2.5 3.2H15.5C15.5 7.2 17.5 10.2 21.8 10.6V8.2M20.5 2.8L17.2 5M17.2 5.6L20 7.6M10 5.6L3.5 8.8M2 12.8H14"
    "M6.2 8V15C6.2 18.5 5 21 2.5 22.5M10.8 7.5V22.5M13.6 13C14.4 18 17.5 21.4 22.4 22V18.8M21 13L17 15.6M17 16.2L20.4 18.4",
    7: "M12 2L3 10M12 2L21 10M8 10.5H16M5 14.8H19M12 10.5V21.8M7.3 16.6L8.8 19.6M16.7 16.6L15.2 19.6M3 21.8H21",
    8: "M4.5 4H19.5M5.5 12H18.5M3 21.5H21M12 4V21.5M15.5 15L18 18.2",
    9: "M9 2.5C9.2 7 9.8 9.5 11 12M19 6.5C13 9 6 12.2 6 17C6 20.8 9 21.6 12.5 21.6C15.5 21.6 17.5 21.3 19.8 20.7",
    10: "M3 5.8H21M12 1.5V13M11.5 6.2C9.5 9.5 6.5 11.5 2.5 13M12.5 6.2C14.5 9.5 17.5 11.5 21.5 13M6.5 14.8H17.5V22.2H6.5Z",
    11: "M5.5 5H18.5M12 1.5V10M3 10H21M5.5 15.5H18.5M12 11.8V21.8M2.5 21.8H21.5",
    12: "M12 2L3 10.2M12 2L21 10.2M7 11.5H17M6.5 16.4H17.5M12 11.5V21.8M3 21.8H21",
    13: "M6 2.8V14.5M6 2.8H19.5M6 6.8H18.5M6 10.6H18.5M12.2 2.8V14.5M6 14.5H20.5C20.5 18 20 20.5 18.8 22.2L16.5 21.5"
    "M3.8 17.5L2.5 21M7.8 17.5L8.6 20.5M11.5 17L12.8 20M15.2 16.8L17 19",
    14: "M12 1.5V4.5M4 4.8H20M8 6.6L9.3 9.4M16 6.6L14.7 9.4M2.5 9.9H21.5M5.5 12.2H18.5V18.6H5.5ZM5.5 15.4H18.5"
    "M12 10V20.2C12 22 13 22.4 14.5 22.4H19.5C21 22.4 21.6 21.4 21.6 19.2",
}
GOTE_KING = "M4.5 4H19.5M5.5 12H18.5M3 21.5H21M12 4V21.5"

CHESS_NAMES = {1: "pawn", 2: "knight", 3: "bishop", 4: "rook", 5: "queen", 6: "king"}
SHOGI_NAMES = {
    **{1: "pawn", 2: "lance", 3: "knight", 4: "silver", 5: "bishop", 6: "rook", 7: "gold", 8: "king"},
    **{
        9: "promoted pawn",
        10: "promoted lance",
        11: "promoted knight",
        12: "promoted silver",
        13: "horse",
        14: "dragon",
    },
}
SHOGI_KINDS = {"P": 1, "L": 2, "N": 3, "S": 4, "B": 5, "R": 6, "G": 7}  # by USI's letters, in the order of cells()


def chess_piece(kind: int, first: bool) -> str:
    """A piece in a square of 60 units."""
    side = "white" if first else "black"
    return f'<g class="piece {side}" transform="translate(3.75 2.5) scale(1.167)">{CHESS[kind]}</g>'


def shogi_piece(kind: int, first: bool, upright: bool) -> str:
    """A piece in a square of 60 units. upright: it points up, as the pieces of whoever sits below do."""
    strokes = GOTE_KING if kind == 8 and not first else SHOGI[kind]
    turned = "" if upright else ' transform="rotate(180 30 30)"'
    promoted = " promoted" if kind > 8 else ""
    return (
        f'<g class="piece koma"{turned}><path d="{PENTAGON}"/>'
        f'<path class="kanji{promoted}" transform="translate(15 16.5) scale(1.25)" d="{strokes}"/></g>'
    )


def stone(kind: str) -> str:
    """A Go stone or a disc in a square of 60 units; kind: a class of the style sheet."""
    return f'<circle class="piece {kind}" cx="30" cy="30" r="28"/>'
