"""A picture from a program such as OBS: address and key are copied in the studio, the show runs on it."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS, current_room, play

PUBLISH = """async ([url, token]) => {
  const media = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
  const peer = new RTCPeerConnection();
  media.getTracks().forEach((track) => peer.addTransceiver(track, {direction: 'sendonly', streams: [media]}));
  await peer.setLocalDescription(await peer.createOffer());
  const headers = {'content-type': 'application/sdp', authorization: `Bearer ${token}`};
  const answer = await fetch(url, {method: 'POST', headers, body: peer.localDescription.sdp});
  if (answer.ok) await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  return answer.status;
}"""
"""WHIP with nothing but an address and a key, as a program is given them."""


async def copied(host: Person, what: str) -> str:
    """What is in the clipboard after a press of the button beside it."""
    await host.part(f"encoder-{what}-copy").click()
    text: str = await host.page.evaluate("navigator.clipboard.readText()")
    assert text == await host.part(f"encoder-{what}").input_value()
    return text


async def test_a_show_runs_on_the_picture_of_a_program(person: OpenPerson) -> None:
    host, program, viewer = await person("host"), await person(), await person("viewer", phone=True)
    await host.page.context.grant_permissions(["camera", "microphone", "clipboard-read", "clipboard-write"])
    room = await current_room(host)

    # the host copies address and key; the program needs nothing else
    await host.go(f"/studio/{room}")
    await host.part("encoder").click()
    await expect(host.part("encoder-token")).to_be_visible(timeout=PATIENCE_MS)
    await host.meets_no_barrier()
    address, key = await copied(host, "server"), await copied(host, "token")
    await program.go("/")
    assert await program.page.evaluate(PUBLISH, [address, key]) == 201
    await host.page.keyboard.press("Escape")
    await expect(host.part("notice")).to_contain_text("another window or program", timeout=PATIENCE_MS)

    # it is what viewers see: going live takes nothing over
    if await host.part("studio").get_attribute("data-phase") == "scheduled":
        await host.part("go-live").click()
    await expect(host.part("live-indicator")).to_be_visible(timeout=PATIENCE_MS)
    await expect(host.part("notice")).to_contain_text("Your viewers see the picture of another window")
    await viewer.go(f"/room/{room}")
    await play(viewer)
