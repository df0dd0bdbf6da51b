"""A shop dispute as one person would tell it, used wherever a test needs a conversation."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.e2e.phones import Phone

STORY = "上周六在张江镇的幸福来超市买了一箱牛奶，花了128元，回家发现过期了，店里不肯退。"

RECEIPT = """
<body style="margin:0;background:#c9b79c;font:15px/1.7 'Noto Sans CJK SC',sans-serif">
<div style="margin:22px auto;width:230px;background:#fdfcf7;padding:18px 20px;
 transform:rotate(-2deg);box-shadow:0 4px 14px #0005;color:#333">
<b style="display:block;text-align:center;font-size:18px">幸福来超市</b>
<div style="border-bottom:1px dashed #999;margin:6px 0"></div>
纯牛奶 250ml×24<br>1 箱 <span style="float:right">128.00</span>
<div style="border-bottom:1px dashed #999;margin:6px 0"></div>
合计 <b style="float:right">¥128.00</b><br>微信支付 <span style="float:right">128.00</span>
<p style="text-align:center;margin:10px 0 0;color:#777">谢谢惠顾</p></div></body>"""


def photograph(browser: Browser, path: Path) -> Path:
    """A photo of a till receipt, as a JPEG at ``path``."""
    context = browser.new_context(viewport={"width": 314, "height": 300})
    page = context.new_page()
    page.set_content(RECEIPT)
    page.screenshot(path=path, type="jpeg")
    context.close()
    return path


def begin(consumer: Phone) -> None:
    """From the first tap to the story told and read back, by somebody who is new here."""
    consumer.arrives("陆阿姨")
    consumer.begin()
    consumer.press("我要投诉", "您好，我是诉达")
    consumer.press("同意，开始")
    consumer.hears("发生了什么事")
    consumer.types(STORY)
    consumer.hears("食品烟酒", "幸福来超市", "张江镇", "128元")


def go_on(consumer: Phone, photo: Path, *, stumble: bool = False) -> None:
    """What the story left open, until the name is asked; ``stumble``: with one wrong answer."""
    consumer.press("没有", "不舒服或受伤")
    consumer.press("还留着", "还留着吗")
    consumer.press("微信", "怎么付")
    consumer.press("退钱", "怎么做")
    if stumble:
        consumer.hears("退或赔多少钱")
        consumer.types("苹果")
        consumer.hears("没看懂这个数目", "例如")
    consumer.press("和前面的金额一样", "退或赔多少钱")
    consumer.hears("照片、截图、单据")
    consumer.sends_photo(photo)
    consumer.press("下一步", "第 1 份材料")
    consumer.hears("怎么称呼您")


def finish(consumer: Phone) -> None:
    """From the name, already typed, to the review."""
    consumer.hears("联系电话")
    consumer.types("13812345678")
    consumer.press("先不填地址", "通讯地址")
    consumer.press("先不填", "哪个街镇")
    consumer.press("没有了", "要补充")
    consumer.hears("请核对一遍")
