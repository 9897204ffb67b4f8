"""Counts each ledger entry once. LEDGER=ledger.sqlite SECRET=whsec_… uvicorn webhook_receiver:app"""

import json
import os
import sqlite3

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

db = sqlite3.connect(os.environ["LEDGER"], isolation_level=None)
db.execute("CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, content TEXT NOT NULL)")


async def receive(request: Request) -> Response:
    try:
        message = Webhook(os.environ["SECRET"]).verify(await request.body(), dict(request.headers))
    except WebhookVerificationError:
        return Response(status_code=401)
    row = request.headers["webhook-id"], json.dumps(message["data"], sort_keys=True)
    if db.execute("INSERT OR IGNORE INTO entries VALUES (?, ?)", row).rowcount:
        return Response(status_code=201)  # new: it is on disk
    known = db.execute("SELECT 1 FROM entries WHERE id = ? AND content = ?", row).fetchone()
    return Response(status_code=208 if known else 409)  # the same again, or a conflict


app = Starlette(routes=[Route("/", receive, methods=["POST"])])
