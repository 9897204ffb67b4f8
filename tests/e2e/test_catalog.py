"""The merchant's catalogue in a real browser: found, changed, undone, counted, and taken in from a file."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Locator, expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS

COLUMNS = "product,title:en,title:zh-CN,category,currency,sku,price,on_hand"


async def find(merchant: Person, words: str) -> Locator:
    """The only product with these words."""
    await merchant.part("catalog-search").fill(words)
    found = merchant.part("product")
    await expect(found).to_have_count(1, timeout=PATIENCE_MS)
    return found


async def save(merchant: Person) -> None:
    """Saves the form and sees it close."""
    await merchant.part("product-sheet-submit").click()
    await expect(merchant.part("product-sheet")).to_be_hidden(timeout=PATIENCE_MS)


async def test_a_product_is_changed_and_the_change_undone(person: OpenPerson) -> None:
    merchant = await person("merchant")
    await merchant.go("/merchant/catalog")
    umbrella = await find(merchant, "umbrella")
    await merchant.meets_no_barrier()

    # another price and stock
    await umbrella.get_by_test_id("product-edit").click()
    before = await merchant.part("variant-price").first.input_value()
    await merchant.part("variant-price").first.fill("not a price")
    await expect(merchant.part("product-sheet-submit")).to_be_disabled()
    await merchant.meets_no_barrier()
    await merchant.part("variant-price").first.fill("77.70")
    counted = int(await merchant.part("variant-stock").first.input_value()) + 3
    await merchant.part("variant-stock").first.fill(str(counted))
    await merchant.part("stock-reason").fill("three more in the back")
    await save(merchant)
    await expect(umbrella).to_contain_text("77.70")

    # the history tells of both, and takes the price back
    await umbrella.get_by_test_id("product-history").click()
    await expect(merchant.part("catalog-history")).to_contain_text("three more in the back")
    change = merchant.page.locator('[data-testid=deed][data-action="product.change"]')
    await expect(change.first).to_contain_text("77.70")
    await merchant.meets_no_barrier()
    await change.first.get_by_test_id("undo").click()
    await expect(change).to_have_count(2, timeout=PATIENCE_MS)
    await merchant.page.keyboard.press("Escape")
    await expect(umbrella).to_contain_text(before)

    # put away and taken out again
    await umbrella.get_by_test_id("product-move").click()
    await expect(merchant.part("product")).to_have_count(0, timeout=PATIENCE_MS)
    await merchant.part("catalog-archived").check()
    await umbrella.get_by_test_id("product-move").click()
    await merchant.part("catalog-archived").uncheck()
    await expect(umbrella).to_have_count(1, timeout=PATIENCE_MS)


async def test_a_new_product_with_two_variants_is_added_on_a_phone(person: OpenPerson) -> None:
    merchant = await person("merchant", phone=True, locale="zh-CN")
    await merchant.go("/merchant/catalog")
    await merchant.part("catalog-add").click()
    await expect(merchant.part("product-sheet-submit")).to_be_disabled()
    await merchant.part("product-code").fill("SCARF")
    await merchant.part("product-title-zh-CN").fill("羊绒围巾")
    await merchant.part("product-category").fill("fashion")
    await merchant.part("variant-add").click()
    for number, (code, price) in enumerate((("SCARF-R", "199"), ("SCARF-B", "209.5"))):
        variant = merchant.part("variant").nth(number)
        await variant.get_by_test_id("variant-code").fill(code)
        await variant.get_by_test_id("variant-price").fill(price)
    await merchant.meets_no_barrier()
    await save(merchant)
    scarf = await find(merchant, "围巾")
    await expect(scarf).to_contain_text("209.50")
    await merchant.meets_no_barrier()


async def test_a_wrong_file_says_which_rows_and_a_mended_one_is_taken_in(
    person: OpenPerson, tmp_path: Path
) -> None:
    merchant = await person("merchant")
    await merchant.go("/merchant/catalog")
    await merchant.part("catalog-import").click()
    file = tmp_path / "goods.csv"
    file.write_text(
        f"{COLUMNS}\nLAMP,Lamp,台灯,home,CNY,LAMP-1,much,5\nVASE,Vase,花瓶,home,CNY,VASE-1,59,x\n"
    )
    await merchant.part("import-file").set_input_files(file)
    problems = merchant.part("import-problems")
    await expect(problems).to_contain_text("line 2", timeout=PATIENCE_MS)
    await expect(problems).to_contain_text("line 3")
    await expect(merchant.part("import-submit")).to_be_disabled()
    await merchant.meets_no_barrier()

    mended = tmp_path / "mended.csv"
    mended.write_text(f"{COLUMNS}\nLAMP,Lamp,台灯,home,CNY,LAMP-1,129,5\n")
    await merchant.part("import-file").set_input_files(mended)
    await expect(merchant.part("import-plan")).to_contain_text("1", timeout=PATIENCE_MS)
    await merchant.part("import-submit").click()
    await expect(merchant.part("import-sheet")).to_be_hidden(timeout=PATIENCE_MS)
    await expect(await find(merchant, "台灯")).to_contain_text("129.00")
