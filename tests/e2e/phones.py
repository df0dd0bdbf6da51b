"""The three phones of the page, as the hands and eyes of the people who hold them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Error, Locator, Page, expect

PATIENCE = (
    60_000  # milliseconds until a phone that stays silent is a failure, on a busy machine too
)

# The newest message of others, younger than `mark`, that holds the text (and a button of that
# label); its id, or 0.
NEWEST = """({role, mark, text, label, out}) => {
  const rows = [...document.querySelectorAll(`.phone[data-role="${role}"] .row`)];
  const found = rows.reverse().find((row) =>
    Number(row.dataset.id) > mark
    && (!out || row.dataset.from === "them")
    && row.innerText.includes(text)
    && (!label || [...row.querySelectorAll(".key")].some((key) => key.innerText.includes(label))));
  return found ? Number(found.dataset.id) : 0;
}"""


class Phone:
    """One phone of the page.

    What a person does sets a mark; what she then hears or presses must be younger than the mark,
    so that no test is content with an old message.
    """

    def __init__(self, page: Page, role: str) -> None:
        self.page = page
        self.role = role
        self.element = page.locator(f'.phone[data-role="{role}"]')
        self.mark = 0

    @property
    def rows(self) -> Locator:
        return self.element.locator(".row")

    def _newest(self, text: str, label: str = "", *, mark: int, out: bool = True) -> int:
        asked = {"role": self.role, "mark": mark, "text": text, "label": label, "out": out}
        try:
            found = self.page.wait_for_function(NEWEST, arg=asked, timeout=PATIENCE)
        except Error as error:
            last = "\n".join(self.rows.all_inner_texts()[-4:])
            wanted = f"「{text}」" + (f" with [{label}]" if label else "")
            raise AssertionError(f"{self.role}: no {wanted} after {mark}; last:\n{last}") from error
        return int(found.json_value())

    def _remember(self) -> None:
        ids = self.rows.evaluate_all("rows => rows.map(row => Number(row.dataset.id))")
        self.mark = max(ids, default=0)

    def hears(self, *texts: str) -> None:
        """Each text comes, in a message younger than what the person did last."""
        for text in texts:
            self._newest(text, mark=self.mark)

    def shows(self, *texts: str) -> None:
        """Each text stands somewhere in the open chat (a message may have been edited)."""
        for text in texts:
            self._newest(text, mark=0, out=False)

    def button(self, label: str, text: str = "", *, old: bool = False) -> Locator:
        row = self._newest(text, label, mark=0 if old else self.mark)
        return self.element.locator(f'.row[data-id="{row}"] .key', has_text=label).first

    def press(self, label: str, text: str = "", *, old: bool = False) -> None:
        """Tap a button of the newest message that has it; ``old`` allows messages long known."""
        key = self.button(label, text, old=old)
        self._remember()
        key.click()

    def types(self, words: str) -> None:
        self._remember()
        box = self.element.get_by_label("写消息")
        box.fill(words)
        box.press("Enter")

    def arrives(self, name: str) -> None:
        """Somebody new takes this phone, with nothing said yet."""
        self.page.get_by_role("button", name="加人或群").click()
        dialog = self.page.get_by_role("dialog", name="加人或群")
        dialog.get_by_label("称呼").fill(name)
        dialog.get_by_label("是谁").select_option(self.role)
        dialog.get_by_role("button", name="加上").click()
        # The one before may have a key of that name too: it is hers that counts.
        holder = self.element.get_by_label("换一个人").locator("option:checked")
        expect(holder).to_have_text(name)
        self.element.get_by_role("button", name="开始", exact=True).wait_for()

    def begin(self) -> None:
        self.element.get_by_role("button", name="开始", exact=True).click()

    def command(self, name: str) -> None:
        """Choose from the command menu beside the input."""
        self._remember()
        self.element.get_by_role("button", name="菜单", exact=True).click()
        self.element.get_by_role("menuitem", name=f"/{name} ").click()

    def sends_photo(self, photo: Path) -> None:
        self._remember()
        self.element.get_by_role("button", name="发照片、文件、语音或位置").click()
        with self.page.expect_file_chooser() as chooser:
            self.element.get_by_role("menuitem", name="照片").click()
        chooser.value.set_files(photo)

    def opens(self, title: str) -> None:
        """Change to another chat by its tab."""
        self.element.get_by_role("tab", name=title).click()
        self.element.get_by_role("tab", name=title, selected=True).wait_for()
