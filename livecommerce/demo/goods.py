"""What the demo is made of. Every name is invented."""

from __future__ import annotations

from livecommerce.accounts import Membership
from livecommerce.addresses import Address
from livecommerce.catalog import Product, Sku
from livecommerce.coupon import Campaign
from livecommerce.ids import UNSHARDED, CampaignId, PersonId, ProductId, ShopId, SkuId, named_id
from livecommerce.localized import LocalText
from livecommerce.schedule.show import MINUTE_MS
from livecommerce.shop import Policy, Shop

PASSWORD = "livecommerce-demo"  # noqa: S105 - the demo's people are everybody's
CURRENCY = "CNY"
BUDGET_MINOR = 500_000
CAMPAIGN_MS = 365 * 24 * 60 * MINUTE_MS


def demo_id(*names: str) -> str:
    """The id of one of the demo's things."""
    return named_id(UNSHARDED, "demo", *names)


def product_id(name: str) -> ProductId:
    """The id of a product by the name of its picture."""
    return ProductId(demo_id("product", name))


MERCHANT = ShopId(demo_id("shop", "merchant"))
BRAND = ShopId(demo_id("shop", "brand"))
HOST = PersonId(demo_id("person", "host"))
BRAND_PERSON = PersonId(demo_id("person", "brand"))

SHOPS = (
    Shop(shop=MERCHANT, name={"zh-CN": "汀禾杂货", "en": "Tinghe Goods"}),
    Shop(shop=BRAND, name={"zh-CN": "岚序", "en": "Lanxu"}),
)

POLICIES = {
    MERCHANT: Policy(shipping_minor=800, free_shipping_from_minor=6_900),
    BRAND: Policy(return_window_days=15, ships_within_hours=72),
}

ADDRESS = Address(
    country="CN",
    name="演示买家",
    phone="13800000000",
    region="浙江省",
    city="杭州市",
    district="西湖区",
    street="示例路 1 号 2 幢 301 室",
    postcode="310000",
)
"""Where the demo's buyers live, so that they can buy at once."""

PEOPLE: dict[str, tuple[str, tuple[Membership, ...]]] = {
    "viewer": ("Viewer", ()),
    "viewer2": ("Second viewer", ()),
    "host": ("Host", (Membership("host", MERCHANT), Membership("merchant", MERCHANT))),
    "brand": ("Brand", (Membership("brand", BRAND), Membership("merchant", BRAND))),
    "merchant": ("Merchant", (Membership("merchant", MERCHANT),)),
    "operator": ("Operator", (Membership("operator"),)),
}
"""Login name → display name and roles."""


def _product(shop: ShopId, name: str, category: str, title: LocalText, *variants: Sku) -> Product:
    return Product(
        product=product_id(name),
        shop=shop,
        title=title,
        image=f"/demo/{name}.svg",
        category=category,
        currency=CURRENCY,
        skus=variants,
    )


def _sku(name: str, zh: str, en: str, price_minor: int, on_hand: int) -> Sku:
    sku = SkuId(demo_id("sku", name))
    return Sku(sku=sku, title={"zh-CN": zh, "en": en}, price_minor=price_minor, on_hand=on_hand)


GOODS = (
    _product(
        MERCHANT,
        "umbrella",
        "home",
        {"zh-CN": "晴雨两用伞", "en": "Rain-or-shine umbrella"},
        _sku("umbrella-blue", "天青", "Sky blue", 8_900, 400),
        _sku("umbrella-apricot", "杏色", "Apricot", 8_900, 260),
    ),
    _product(
        MERCHANT,
        "teapot",
        "home",
        {"zh-CN": "手作紫陶壶", "en": "Hand-thrown clay teapot"},
        _sku("teapot", "280 毫升", "280 ml", 26_800, 80),
    ),
    _product(
        MERCHANT,
        "headphones",
        "electronics",
        {"zh-CN": "头戴降噪耳机", "en": "Noise-cancelling headphones"},
        _sku("headphones-graphite", "石墨黑", "Graphite", 59_900, 120),
        _sku("headphones-white", "月白", "Moon white", 59_900, 90),
    ),
    _product(
        MERCHANT,
        "sneakers",
        "shoes",
        {"zh-CN": "云感跑鞋", "en": "Cushioned running shoes"},
        _sku("sneakers-39", "39 码", "EU 39", 32_900, 60),
        _sku("sneakers-42", "42 码", "EU 42", 32_900, 75),
    ),
    _product(
        BRAND,
        "lipstick",
        "beauty",
        {"zh-CN": "丝绒口红", "en": "Velvet lipstick"},
        _sku("lipstick-maple", "枫糖", "Maple", 15_900, 300),
        _sku("lipstick-berry", "浆果", "Berry", 15_900, 300),
    ),
    _product(
        BRAND,
        "tea",
        "fresh-food",
        {"zh-CN": "高山春茶", "en": "High-mountain spring tea"},
        _sku("tea", "100 克", "100 g", 12_800, 500),
    ),
)


def campaigns(now_ms: int) -> tuple[Campaign, ...]:
    """A coupon that sharing earns, and two that the host can drop, one of them the platform's."""
    share = Campaign(
        campaign=CampaignId(demo_id("campaign", "share")),
        shop=MERCHANT,
        kind="share",
        title={"zh-CN": "请好友来看，立减 15 元", "en": "Bring a friend, 15 off"},
        funder="platform",
        discount_minor=1_500,
        threshold_minor=5_000,
        currency=CURRENCY,
        budget_minor=BUDGET_MINOR,
        lent_minor=0,
        per_person=5,
        arrivals_needed=1,
        starts_ms=now_ms,
        ends_ms=now_ms + CAMPAIGN_MS,
    )
    drop = Campaign(
        campaign=CampaignId(demo_id("campaign", "drop")),
        shop=MERCHANT,
        kind="drop",
        title={"zh-CN": "直播间红包 10 元", "en": "In-room coupon, 10 off"},
        funder="merchant",
        discount_minor=1_000,
        threshold_minor=5_000,
        currency=CURRENCY,
        budget_minor=BUDGET_MINOR,
        lent_minor=0,
        per_person=1,
        arrivals_needed=0,
        starts_ms=now_ms,
        ends_ms=now_ms + CAMPAIGN_MS,
    )
    percent = Campaign(
        campaign=CampaignId(demo_id("campaign", "percent")),
        shop=MERCHANT,
        kind="drop",
        title={"zh-CN": "平台券 9 折，最高减 20 元", "en": "Platform coupon, 10% off up to 20"},
        funder="platform",
        discount_minor=2_000,
        percent_ppm=100_000,
        threshold_minor=0,
        currency=CURRENCY,
        budget_minor=BUDGET_MINOR,
        lent_minor=0,
        per_person=1,
        arrivals_needed=0,
        starts_ms=now_ms,
        ends_ms=now_ms + CAMPAIGN_MS,
    )
    return share, drop, percent
