"""The pay page's words."""

from __future__ import annotations

TEXTS = {
    "en": {
        "lang": "en",
        "other": "zh",
        "other_name": "中文",
        "title": "Pay for your order",
        "brand": "Sandbox Pay",
        "test": "Test payments — no money moves",
        "order": "Order",
        "time_left": "Time left",
        "pay": "Pay",
        "decline": "Decline",
        "back": "Back to the shop",
        "simulate": "Simulate a fault",
        "simulate_hint": "How the provider’s notice to the shop behaves",
        "fault_": "None: the notice comes at once",
        "fault_late": "Late notice",
        "fault_duplicate": "Notice sent twice",
        "fault_lost": "Lost notice",
        "fault_garbled": "Notice with a wrong signature first",
        "fault_overdue": "Money arrives after the deadline",
        "captured": "Paid",
        "captured_hint": "The shop has been told. You can go back to your order.",
        "failed": "Payment declined",
        "failed_hint": "Nothing was charged. You can try again from your order.",
        "closed": "This payment is closed",
        "closed_hint": "Its time is over, or the shop closed it. Nothing was charged.",
    },
    "zh": {
        "lang": "zh-CN",
        "other": "en",
        "other_name": "English",
        "title": "支付订单",
        "brand": "沙盒支付",
        "test": "测试支付，不会产生真实扣款",
        "order": "订单号",
        "time_left": "剩余时间",
        "pay": "确认支付",
        "decline": "拒绝支付",
        "back": "返回商家",
        "simulate": "模拟异常",
        "simulate_hint": "支付平台通知商家时的表现",
        "fault_": "正常：立即通知",
        "fault_late": "通知延迟",
        "fault_duplicate": "重复通知",
        "fault_lost": "通知丢失",
        "fault_garbled": "首次通知签名错误",
        "fault_overdue": "超过期限后才到账",
        "captured": "支付成功",
        "captured_hint": "已通知商家，您可以返回订单页面。",
        "failed": "支付未完成",
        "failed_hint": "没有扣款，您可以在订单页面重新支付。",
        "closed": "支付已关闭",
        "closed_hint": "已超过支付期限，或商家已关闭支付。没有扣款。",
    },
}


def preferred(query: str | None, accept_language: str) -> dict[str, str]:
    """The words for a reader: what the address asks for, else what the browser prefers."""
    wanted = query or next(
        (
            part.split(";")[0].strip()[:2]
            for part in accept_language.lower().split(",")
            if part.strip()[:2] in TEXTS
        ),
        "en",
    )
    return TEXTS.get(wanted[:2].lower(), TEXTS["en"])
