"""What a person does on Studio, in a browser without JavaScript and through the API."""

from __future__ import annotations

import io
import re
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from studio.app import Settings

from tests.integration.studio.conftest import Browser


def one(rows: psycopg.Connection, query: str) -> tuple[object, ...]:
    found = rows.execute(query).fetchone()
    assert found is not None
    return tuple(found)


def test_sign_up_hashes_the_password_and_guards_the_cookie(
    browser: Browser, rows: psycopg.Connection
) -> None:
    answer = browser.client.post(
        "/sign-up", follow_redirects=False,
        data={"csrf": browser.token("/sign-up"), "email": "Ada@mail.example", "handle": "ada_l",
              "name": "Ada", "password": "correct horse"},
    )  # fmt: skip
    cookie = next(
        c for c in answer.headers.get_list("set-cookie") if c.startswith("studio_session")
    )
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    stored, opted_out = one(rows, "SELECT password_hash, training_opt_out FROM account")
    assert isinstance(stored, bytes)
    assert len(stored) == 48
    assert opted_out, "silence is not consent to training"
    token = cookie.partition("=")[2].partition(";")[0]
    assert rows.execute("SELECT 1 FROM session WHERE csrf_token = %s", [token]).fetchone() is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "nonsense"), ("handle", "No Spaces"), ("name", " "), ("password", "short")],
)
def test_sign_up_refuses(
    browser: Browser, rows: psycopg.Connection, field: str, value: str
) -> None:
    good = {"email": "a@mail.example", "handle": "ada_l", "name": "Ada", "password": "long enough"}
    form = {**good, field: value, "csrf": browser.token("/sign-up")}
    assert browser.client.post("/sign-up", data=form).status_code == 422
    assert one(rows, "SELECT count(*) FROM account") == (0,)


def test_sign_out_ends_the_session(browser: Browser, rows: psycopg.Connection) -> None:
    browser.sign_up("ada_l")
    browser.send("/sign-out", "/gallery")
    assert one(rows, "SELECT count(*) FROM session") == (0,)
    assert browser.client.get("/create", follow_redirects=False).headers["location"] == "/sign-in"


def test_a_wrong_password_and_an_unknown_address_look_alike(browser: Browser) -> None:
    browser.sign_up("ada_l")
    browser.send("/sign-out", "/gallery")
    answers = []
    for email in ("ada_l@mail.example", "nobody@mail.example"):
        form = {"csrf": browser.token("/sign-in"), "email": email, "password": "wrong guess"}
        answer = browser.client.post("/sign-in", data=form)
        answers.append((answer.status_code, answer.text.replace(email, "")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


@pytest.mark.parametrize("csrf", ["", "forged"])
def test_a_form_from_elsewhere_is_refused(
    browser: Browser, rows: psycopg.Connection, csrf: str
) -> None:
    browser.sign_up("ada_l")
    form = {"csrf": csrf, "prompt": "teal sea", "kind": "image"}
    assert browser.client.post("/create", data=form).status_code == 403
    assert one(rows, "SELECT count(*) FROM generation") == (0,)


@pytest.mark.parametrize(("kind", "magic"), [("image", b"\x89PNG"), ("audio", b"RIFF")])
def test_a_work_is_made_charged_and_private(
    browser: Browser, other: Browser, rows: psycopg.Connection, kind: str, magic: bytes
) -> None:
    browser.sign_up("ada_l")
    page = browser.send("/create", "/create", prompt="teal sea", kind=kind)
    assert browser.client.get(f"{page}/file").content.startswith(magic)
    price = {"image": 5, "audio": 8}[kind]
    assert one(rows, "SELECT sum(delta) FROM credit_entry") == (25 - price,)
    for address in (page, f"{page}/file"):
        assert other.client.get(address).status_code == 404


def test_credits_run_out_and_can_be_bought(browser: Browser, rows: psycopg.Connection) -> None:
    browser.sign_up("ada_l")
    for _ in range(5):
        browser.send("/create", "/create", prompt="teal sea")
    form = {"csrf": browser.token("/create"), "prompt": "teal sea"}
    assert browser.client.post("/create", data=form).status_code == 402
    browser.send(
        "/credits", "/credits", pack="spark", street="Mill Lane 3", postcode="12345", city="York"
    )
    bought = one(
        rows,
        "SELECT i.total_cents, l.amount_cents, p.status::text, c.delta FROM invoice i"
        " JOIN invoice_line l ON l.invoice_id = i.id JOIN payment p ON p.invoice_id = i.id"
        " JOIN credit_entry c ON c.payment_id = p.id",
    )
    assert bought == (500, 500, "succeeded", 100)
    number = one(rows, "SELECT number FROM invoice")[0]
    assert "Mill Lane 3" in browser.client.get(f"/invoices/{number}").text


def test_sharing_lets_exactly_the_named_in(browser: Browser, other: Browser) -> None:
    browser.sign_up("ada_l")
    page = browser.send("/create", "/create", prompt="rose garden")
    other.sign_up("ben_k")
    browser.send(f"{page}/share", page, visibility="shared",
                 shared_with="BEN_K@mail.example, someone@else.example")  # fmt: skip
    assert "rose garden" in other.client.get(page).text
    browser.send(f"{page}/share", page, visibility="shared", shared_with="someone@else.example")
    assert other.client.get(page).status_code == 404


def test_only_the_maker_shares(browser: Browser, other: Browser) -> None:
    browser.sign_up("ada_l")
    page = browser.send("/create", "/create", prompt="rose garden", visibility="public")
    other.sign_up("ben_k")
    form = {"csrf": other.token(page), "visibility": "private"}
    assert other.client.post(f"{page}/share", data=form).status_code == 404


def test_comments_thread_count_and_tell_the_maker(
    browser: Browser, other: Browser, rows: psycopg.Connection
) -> None:
    browser.sign_up("ada_l")
    page = browser.send("/create", "/create", prompt="rose garden", visibility="public")
    other.sign_up("ben_k")
    first = other.send(f"{page}/comments", page, body="<b>lovely</b>")
    parent = first.rpartition("-")[2]
    browser.send(f"{page}/comments", page, body="thank you", parent=parent)
    text = browser.client.get(page).text
    assert "&lt;b&gt;lovely&lt;/b&gt;" in text
    assert re.search(r'class="depth-1".*thank you', text, re.DOTALL)
    assert one(rows, "SELECT comment_count FROM generation") == (2,)
    assert one(rows, "SELECT count(*) FROM notification WHERE body LIKE '@ben_k %'") == (1,)


def test_an_upload_is_checked_and_stays_with_its_owner(
    browser: Browser, other: Browser, rows: psycopg.Connection
) -> None:
    browser.sign_up("ada_l")
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(picture, "PNG")
    browser.send("/uploads", "/create", files={"file": ("../me.png", picture.getvalue())})
    upload, key, name = one(rows, "SELECT id, object_key, original_name FROM upload")
    assert str(key).startswith("inputs/")
    assert "/" not in str(name)
    assert browser.client.get(f"/uploads/{upload}/file").content == picture.getvalue()
    other.sign_up("ben_k")
    assert other.client.get(f"/uploads/{upload}/file").status_code == 404


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"x" * 20_001, 413), (b"", 422), (b"\x7fELF\x00\xff", 415)],
    ids=["large", "empty", "program"],
)
def test_an_upload_is_refused(
    browser: Browser, rows: psycopg.Connection, content: bytes, status: int
) -> None:
    browser.sign_up("ada_l")
    answer = browser.client.post(
        "/uploads", data={"csrf": browser.token("/create")}, files={"file": ("x.png", content)}
    )
    assert answer.status_code == status
    assert one(rows, "SELECT count(*) FROM upload") == (0,)


def test_a_collection_is_kept_by_several(
    browser: Browser, other: Browser, rows: psycopg.Connection
) -> None:
    other.sign_up("ben_k")
    browser.sign_up("ada_l")
    work = browser.send("/create", "/create", prompt="rose garden", visibility="public")
    page = browser.send("/collections", "/collections", name="Roses")
    assert other.client.get(page).status_code == 404
    browser.send(f"{page}/members", page, handle="@ben_k")
    browser.send(f"{page}/items", page, work=work.rpartition("/")[2])
    assert "rose garden" in other.client.get(page).text
    assert one(rows, "SELECT count(*) FROM collection_member") == (2,)


def test_staff_answer_and_strangers_do_not_read(
    browser: Browser, other: Browser, rows: psycopg.Connection
) -> None:
    browser.sign_up("ada_l")
    page = browser.send("/support", "/support", subject="Refund", body="Please")
    other.sign_up("ben_k")
    assert other.client.get(page).status_code == 404
    rows.execute("UPDATE account SET role = 'support' WHERE handle = 'ben_k'")
    other.send(page, page, body="Done")
    assert "Done" in browser.client.get(page).text
    found = one(rows, "SELECT t.status::text, a.handle FROM support_ticket t"
                      " JOIN account a ON a.id = t.assignee_id")  # fmt: skip
    assert found == ("waiting", "ben_k")


def test_a_newsletter_needs_no_account_and_leaving_no_sign_in(
    browser: Browser, rows: psycopg.Connection
) -> None:
    for email in ("Reader@mail.example", "reader@mail.example"):
        form = {"csrf": browser.token("/gallery"), "email": email, "interests": ["audio", "other"]}
        assert browser.client.post("/newsletter", data=form).status_code == 200
    stored, interests, token = one(
        rows, "SELECT email, interests, unsubscribe_token FROM newsletter_subscriber"
    )
    assert (stored, interests) == ("Reader@mail.example", ["audio"])
    assert isinstance(token, bytes)
    assert browser.client.post(f"/newsletter/leave/{token.hex()}").status_code == 200
    assert one(rows, "SELECT unsubscribed_at IS NULL FROM newsletter_subscriber") == (False,)


def test_the_api_makes_works_for_the_owner_of_the_key(
    browser: Browser, service: TestClient, rows: psycopg.Connection
) -> None:
    browser.sign_up("ada_l")
    form = {"csrf": browser.token("/settings"), "name": "laptop"}
    found = re.search(r"studio_[\w-]{40,}", browser.client.post("/settings/keys", data=form).text)
    assert found
    program = TestClient(service.app)
    wanted = {"prompt": "teal sea", "visibility": "public", "seed": 7}
    assert program.post("/api/v1/generations", json=wanted).status_code == 401
    header = {"Authorization": f"Bearer {found[0]}"}
    made = program.post("/api/v1/generations", json=wanted, headers=header)
    assert made.status_code == 201
    assert program.get(made.json()["file"]).content.startswith(b"\x89PNG")
    assert one(rows, "SELECT seed, last_used_at IS NOT NULL FROM generation, api_key") == (7, True)
    assert (
        program.post("/api/v1/generations", json={"prompt": ""}, headers=header).status_code == 422
    )


def test_an_export_is_kept_as_an_object(
    browser: Browser, studio: Settings, rows: psycopg.Connection
) -> None:
    browser.sign_up("ada_l")
    browser.send("/create", "/create", prompt="teal sea")
    answer = browser.client.post("/settings/export", data={"csrf": browser.token("/settings")})
    assert answer.json()["prompts"] == ["teal sea"]
    key = one(rows, "SELECT object_key FROM prompt_export")[0]
    assert isinstance(studio.objects, Path)
    assert (studio.objects / str(key)).read_bytes() == answer.content


def test_a_referral_joins_two_people(
    browser: Browser, other: Browser, rows: psycopg.Connection
) -> None:
    browser.sign_up("ada_l")
    other.sign_up("ben_k", via="ada_l")
    found = one(rows, "SELECT a.handle, b.handle FROM referral"
                      " JOIN account a ON a.id = referrer_id"
                      " JOIN account b ON b.id = referred_id")  # fmt: skip
    assert found == ("ada_l", "ben_k")


@pytest.mark.parametrize("page", ["/", "/gallery", "/sign-up", "/sign-in"])
def test_pages_load_nothing_from_elsewhere_and_run_no_script(browser: Browser, page: str) -> None:
    answer = browser.client.get(page)
    assert answer.status_code == 200
    assert not re.search(r"<script|https?://|\son\w+=", answer.text)
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for wanted in ('lang="en"', "<title>", 'href="#main"', '<main id="main">'):
        assert wanted in answer.text


@pytest.mark.parametrize("page", ["/", "/sign-up", "/create", "/settings", "/credits", "/support"])
def test_every_input_has_a_label(browser: Browser, page: str) -> None:
    if page not in {"/", "/sign-up"}:
        browser.sign_up("ada_l")
    html = browser.client.get(page).text
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', html))
    bare = re.sub(r"<label class=\"choice\">.*?</label>", "", html, flags=re.DOTALL)
    inputs = re.findall(r"<(?:input|textarea|select)\b[^>]*>", bare)
    for tag in inputs:
        if 'type="hidden"' not in tag:
            found = re.search(r'\bid="([^"]+)"', tag)
            assert found, tag
            assert found[1] in labelled, tag
