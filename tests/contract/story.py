"""One enterprise's life through the generated client: every answer is a type of the description, also a refusal."""

import json
from dataclasses import dataclass
from uuid import uuid4

from browser import activate, enter, set_up, sign_in
from dialbridge_client import AuthenticatedClient
from dialbridge_client.api.audit import get_enterprise_audit, get_service_audit
from dialbridge_client.api.changes import list_changes
from dialbridge_client.api.enterprises import (
    create_enterprise,
    disable_enterprise,
    disable_sync,
    enable_enterprise,
    enable_sync,
    get_consents,
    get_enterprise,
    get_invitation,
    get_sip_data_access,
    list_enterprises,
    put_enterprise,
    remove_enterprise,
    resend_invitation,
    reset_consent,
    restore_enterprise,
    revoke_invitation,
)
from dialbridge_client.api.events import (
    create_webhook,
    delete_webhook,
    get_webhook,
    list_deliveries,
    list_events,
    list_webhooks,
    put_webhook,
    replay_webhook,
    rotate_webhook_secret,
    test_webhook,
)
from dialbridge_client.api.group_filter import get_group_filter, list_groups, put_group_filter
from dialbridge_client.api.licences import get_licences, put_licences
from dialbridge_client.api.mapping import (
    accept_mapping_proposals,
    diagnose_teams_user,
    diagnose_voice_user,
    get_mapping,
    list_mapping_proposals,
    list_teams_users,
    save_mapping,
)
from dialbridge_client.api.mails import (
    close_task,
    get_mail_sending,
    get_reseller_mail_sending,
    lift_suppression,
    list_mails,
    list_reseller_mails,
    list_suppressions,
    list_tasks,
    put_mail_sending,
    put_reseller_mail_sending,
)
from dialbridge_client.api.resellers import (
    create_reseller,
    get_digest,
    get_reseller,
    put_digest,
    put_reseller,
    resend_activation,
)
from dialbridge_client.api.sync import (
    approve_plan,
    cancel_run,
    download_run_log,
    get_operators,
    get_plan,
    get_plan_as_script,
    get_preflight,
    get_release_limit,
    get_reminding,
    get_run,
    get_run_log,
    get_status,
    get_support_bundle,
    get_unattended,
    list_run_changes,
    list_calling_domains,
    list_dns_records,
    list_reminders,
    list_runs,
    make_plan,
    preview_mail,
    put_operators,
    put_release_limit,
    put_reminding,
    put_unattended,
    retry_run,
    start_run,
    stop_unattended,
    take_duty_back,
    undo_run,
)
from dialbridge_client.api.voice_users import (
    create_voice_user,
    delete_voice_user,
    export_voice_users,
    get_voice_user,
    get_voice_user_template,
    import_voice_users,
    list_voice_users,
    push_voice_users,
    put_voice_user,
)
from dialbridge_client.models import (
    AcceptForm,
    ApprovalForm,
    BrandForm,
    Code,
    Deed,
    DeputyForm,
    DigestForm,
    Every,
    FeedEvent,
    FilterFormType0,
    FilterFormType0Mode,
    Gate,
    ImportVoiceUsersMode,
    InvitationState,
    LicenceForm,
    ListDnsRecordsState,
    MailKind,
    MailSendingForm,
    MappingForm,
    Mode,
    NewEnterprise,
    OperatorsForm,
    PermissionSet,
    PlanForm,
    Posted,
    Problem,
    Progress,
    ReasonForm,
    ReleaseLimit,
    RemindingForm,
    ReplayBody,
    ResellerBody,
    RowForm,
    RetryForm,
    RunForm,
    RunKind,
    RunState,
    SecondContactForm,
    Service,
    State,
    TaskKind,
    Trouble,
    UnattendedForm,
    Verdict,
    VoiceUserForm,
    VoiceUserList,
    WebhookBody,
    Weekday,
)
from examples import Examples
from receiver import Receiver, signed
from world import check

MAPPED = 3
VOICE_USERS = 12
WAITING = (RunState.SUCCEEDED, RunState.FAILED, RunState.ABANDONED, RunState.AWAITINGSIGNIN)


@dataclass
class Known:
    """What there is when the story has ended."""

    reseller: str
    admin: str
    enterprises: list[str]
    cookie: str
    runs: list[str]
    plans: list[str]
    invitations: list[str]
    codes: list[str]
    links: list[str]
    tokens: list[str]
    teams_users: list[str]
    voice_users: list[str]
    webhooks: list[str]
    tasks: list[str]
    suppressions: list[str]


def answered(status, response):
    """The typed answer, where the status is the expected one."""
    check(f"the API answers {status}", response.status_code == status, (response.status_code, response.content))
    check("the answer has its type", response.parsed is not None, response.content)
    check("the answer names its request", response.headers.get("x-request-id"), dict(response.headers))
    return response.parsed


def refused(status, code, response):
    """The problem, where the refusal is the expected one."""
    problem = answered(status, response)
    check("a refusal is a problem", isinstance(problem, Problem), problem)
    check(f"its code is {code}", (problem.code, problem.status) == (code, status), problem)
    check("it names its request", problem.request_id == response.headers["x-request-id"], problem)
    return problem


def last_part(url):
    return url.rstrip("/").rsplit("/", 1)[1]


class Story:
    """The people, and the enterprise that it is about."""

    def __init__(self, world):
        self.world = world
        self.examples = Examples()
        self.tenant, self.other_tenant = world.tenants()[:2]
        self.admin = self.tenant["globalAdmins"][0]
        self.reseller = self.another = self.enterprise = self.second = self.activation = None

    def caller(self, role, email, reseller=None):
        whose = (reseller or self.reseller) if role.startswith("reseller") else None
        token = self.world.token(role, email, whose, self.enterprise)
        hooks = {"event_hooks": {"response": [self.examples.keep]}}
        return AuthenticatedClient(
            base_url=self.world.api, token=token, raise_on_unexpected_status=True, httpx_args=hooks
        )

    def reseller_admin(self):
        return self.caller("reseller_admin", "rita@contract.example")

    def account_admin(self):
        return self.caller("account_admin", "alex@customer.example")

    def global_admin(self):
        return self.caller("global_admin", self.admin)

    def tell(self):
        """The whole story; what it leaves behind."""
        self.provision_resellers()
        self.provision_enterprise()
        webhook = self.listen()
        tasks, suppressions = self.mails()
        self.connect()
        discovered = self.run(RunForm(kind=RunKind.DISCOVER))
        teams_users = self.map()
        plan = self.plan()
        applied = self.run(RunForm(kind=RunKind.APPLY, plan=plan, mode=Mode.FULL))
        self.look_back(applied)
        self.stop_and_undo(discovered)
        self.deputies()
        self.hours()
        self.reminders()
        self.upkeep()
        self.reset_and_move()
        waiting = self.start(RunForm(kind=RunKind.DISCOVER))
        other_admin = self.other_tenant["globalAdmins"][0]
        code, invitation = self.world.invitation(other_admin)
        browser, _ = enter(invitation, code, other_admin)
        return Known(
            reseller=self.reseller,
            admin=self.admin,
            enterprises=[self.enterprise, self.enterprise, self.second],
            cookie=browser.sent_to(self.world.api),
            runs=[applied, discovered, waiting.id],
            plans=[plan],
            invitations=[last_part(invitation)],
            codes=[code],
            links=[last_part(waiting.sign_in_url)],
            tokens=[last_part(self.activation)],
            teams_users=teams_users,
            voice_users=[f"v{n}" for n in range(VOICE_USERS)],
            webhooks=[webhook],
            tasks=tasks,
            suppressions=suppressions,
        )

    def provision_resellers(self):
        provider, owner = self.caller("provider_admin", "ops@provider.example"), "owner@contract.example"
        brand = BrandForm(
            product_name="Contract Calling",
            policy_prefix="Contract2Teams",
            voice_portal_name="Contract Voice Portal",
            voice_portal_url="https://voice.contract.example/",
            integration_portal_url="https://teams.contract.example/",
            account_contact="your administrator",
            provider_contact="Support, +1 555 0100",
            sender="calling@contract.example",
            reply_to="support@contract.example",
            application=None,
            accent="#0b6e4f",
            logo_url="https://cdn.contract.example/logo.png",
        )
        form = ResellerBody(name="Contract Telecom", owner=owner, brand=brand)

        def create():
            return create_reseller.sync_detailed(client=provider, body=form, idempotency_key=str(uuid4()))

        own, another = answered(201, create()), answered(201, create())
        check("the reseller is kept", (own.name, own.brand) == (form.name, brand), own)
        self.reseller, self.another = own.id, another.id

        def resend(reseller):
            sent = resend_activation.sync_detailed(reseller, client=provider, idempotency_key=str(uuid4()))
            return answered(201, sent).link

        activate(resend(self.reseller))
        self.activation = resend(self.another)
        got = get_reseller.sync_detailed(self.reseller, client=self.reseller_admin())
        check("the account is active", answered(200, got).activation == "active", got)
        form.name = "Contract Telecom Ltd"
        body = {"client": self.reseller_admin(), "body": form, "if_match": got.headers["etag"]}
        edited = answered(200, put_reseller.sync_detailed(self.reseller, **body))
        check("the name is changed", edited.name == form.name, edited)
        refused(404, "not-found", get_reseller.sync_detailed(self.another, client=self.reseller_admin()))

    def form(self, name, admin=None):
        return NewEnterprise(
            name=name,
            admin_email=admin or self.admin,
            user_limit=MAPPED,
            access_sip_data=True,
            sbc_regions=["Europe"],
            services=[Service.TRUNK],
            time_zone="Europe/Brussels",
        )

    def provision_enterprise(self):
        reseller, key, form = self.reseller_admin(), str(uuid4()), self.form(self.tenant["displayName"])

        def create(form, key=key):
            return create_enterprise.sync_detailed(client=reseller, body=form, idempotency_key=key)

        created = answered(201, create(form))
        self.enterprise = created.id
        again = answered(201, create(form))
        check("the same key is the same enterprise", again.id == created.id, again)
        refused(422, "idempotency-key-reused", create(self.form("Another")))
        nameless = refused(422, "invalid", create(self.form(""), key=str(uuid4())))
        check("the refused field is named", [error.field for error in nameless.errors] == ["name"], nameless)

        other_admin = self.other_tenant["globalAdmins"][0]
        self.second = answered(201, create(self.form("Second", other_admin), key=str(uuid4()))).id
        first = answered(200, list_enterprises.sync_detailed(client=reseller, limit=1))
        second = answered(200, list_enterprises.sync_detailed(client=reseller, limit=1, cursor=first.next_))
        listed = [one.enterprise.id for page in (first, second) for one in page.items]
        check("two pages hold two enterprises", len(set(listed)) == 2 and self.enterprise in listed, listed)

        stranger = self.caller("reseller_admin", "sam@another.example", reseller=self.another)
        refused(404, "not-found", get_enterprise.sync_detailed(self.enterprise, client=stranger))

    def mails(self):
        """What becomes of mails, and who sees to those that do not arrive."""
        reseller, provider = self.reseller_admin(), self.caller("provider_admin", "ops@provider.example")
        mails = answered(200, list_mails.sync_detailed(self.enterprise, client=reseller)).items
        told = [(mail.mail, mail.state, mail.recipient) for mail in mails]
        check("the invitation is listed", told == [(MailKind.ENTERPRISE_INVITATION, Posted.DELIVERED, self.admin)], told)
        own = answered(200, list_reseller_mails.sync_detailed(self.reseller, client=provider)).items
        check("so is the activation", {mail.mail for mail in own} == {MailKind.RESELLER_ACTIVATION}, own)
        reason = ReasonForm(reason="It was asked on the phone")
        for address in ("bounce@contract.example", "complaint@contract.example"):
            form = self.form(f"Of {address}", address)
            answered(201, create_enterprise.sync_detailed(client=reseller, body=form, idempotency_key=str(uuid4())))
        first = answered(200, list_tasks.sync_detailed(self.reseller, client=reseller, limit=1))
        second = answered(200, list_tasks.sync_detailed(self.reseller, client=reseller, cursor=first.next_))
        tasks = first.items + second.items
        kinds = [task.kind for task in tasks]
        check("both are tasks", kinds == [TaskKind.INVITATIONUNDELIVERED] * 2, tasks)
        closed = close_task.sync_detailed(self.reseller, tasks[0].id, client=reseller, body=reason)
        check("a task is closed", answered(200, closed).id == tasks[0].id, closed)
        again = close_task.sync_detailed(self.reseller, tasks[0].id, client=reseller, body=reason)
        refused(404, "not-found", again)
        stopped = answered(200, list_suppressions.sync_detailed(self.reseller, client=reseller)).items
        causes = {one.cause for one in stopped}
        check("both addresses are stopped", causes == {Trouble.BOUNCE, Trouble.COMPLAINT}, stopped)
        lifted = lift_suppression.sync_detailed(self.reseller, stopped[0].id, client=reseller, body=reason)
        check("one gets mail again", answered(200, lifted).address == stopped[0].address, lifted)
        for read, put in (
            (get_mail_sending.sync_detailed, put_mail_sending.sync_detailed),
            (
                lambda **how: get_reseller_mail_sending.sync_detailed(self.reseller, **how),
                lambda **how: put_reseller_mail_sending.sync_detailed(self.reseller, **how),
            ),
        ):
            seen = read(client=provider)
            check("all mail may leave", answered(200, seen).gate == Gate.OPEN, seen)
            closing = MailSendingForm(gate=Gate.CLOSED)
            refused(422, "invalid", put(client=provider, body=closing, if_match=seen.headers["etag"]))
            closing.reason = "A rehearsal"
            seen = put(client=provider, body=closing, if_match=seen.headers["etag"])
            check("none may", answered(200, seen).reason == "A rehearsal", seen)
            opening = MailSendingForm(gate=Gate.OPEN)
            refused(412, "stale", put(client=provider, body=opening, if_match='"1"'))
            answered(200, put(client=provider, body=opening, if_match=seen.headers["etag"]))
        trail = answered(200, get_service_audit.sync_detailed(client=provider, limit=1))
        check("it is in the trail of the service", trail.items[0].deed == Deed.MAILSENDINGCHANGED, trail)
        return [task.id for task in tasks], [one.id for one in stopped]

    def connect(self):
        def resend():
            reseller, key = self.reseller_admin(), str(uuid4())
            return resend_invitation.sync_detailed(self.enterprise, client=reseller, idempotency_key=key)

        early = resend()
        refused(429, "too-many", early)
        self.world.advance(int(early.headers["retry-after"]))
        arrived = get_invitation.sync_detailed(self.enterprise, client=self.reseller_admin())
        check("the invitation arrived", answered(200, arrived).state == InvitationState.DELIVERED, arrived)
        taken = revoke_invitation.sync_detailed(
            self.enterprise, client=self.reseller_admin(), if_match=arrived.headers["etag"]
        )
        check("it is taken back", answered(200, taken).state == InvitationState.REVOKED, taken)
        resent = answered(201, resend())
        code, link = self.world.invitation(self.admin)
        check("the new invitation is in the mailbox", link == resent.link, link)
        set_up(link, code, self.admin)
        client = self.account_admin()
        seen = get_group_filter.sync_detailed(self.enterprise, client=client)
        check("nothing is chosen", answered(200, seen).mode == "undecided", seen)
        everyone = FilterFormType0(mode=FilterFormType0Mode.EVERYONE)

        def choose(etag):
            return put_group_filter.sync_detailed(self.enterprise, client=client, body=everyone, if_match=etag)

        chosen = choose(seen.headers["etag"])
        check("everyone is chosen", answered(200, chosen).mode == "everyone", chosen)
        refused(412, "stale", choose(seen.headers["etag"]))
        self.follow(client)

    def follow(self, client):
        """The groups, and what changed so far, in small steps to its end."""
        groups = answered(200, list_groups.sync_detailed(self.enterprise, client=client, limit=2))
        further = list_groups.sync_detailed(self.enterprise, client=client, cursor=groups.next_)
        check("the next page is another one", answered(200, further).items[0].id != groups.items[0].id, further)
        refused(422, "invalid", list_groups.sync_detailed(self.enterprise, client=client, cursor="none"))
        now = answered(200, list_changes.sync_detailed(self.enterprise, client=client, after="now")).cursor
        told = answered(200, list_changes.sync_detailed(self.enterprise, client=client, limit=2))
        while told.more:
            told = answered(200, list_changes.sync_detailed(self.enterprise, client=client, after=told.cursor, limit=2))
        check("whoever follows arrives at this moment", told.cursor == now, told)
        refused(422, "invalid", list_changes.sync_detailed(self.enterprise, client=client, after="yesterday"))

    def start(self, form):
        """A run that waits for its sign-in."""
        client, key = self.global_admin(), str(uuid4())
        started = answered(201, start_run.sync_detailed(self.enterprise, client=client, body=form, idempotency_key=key))
        check("the run waits for its sign-in", started.state == RunState.AWAITINGSIGNIN, started)
        return started

    def run(self, form):
        """Starts a run, signs in to it, and waits for its end; its id."""
        started = self.start(form)
        sign_in(started.sign_in_url, self.admin)
        for _ in range(60):
            run = answered(200, get_run.sync_detailed(self.enterprise, started.id, client=self.global_admin()))
            if run.state in WAITING:
                check("the run succeeds", run.state == RunState.SUCCEEDED, run)
                log = get_run_log.sync_detailed(self.enterprise, run.id, client=self.global_admin())
                check("the run has a log", answered(200, log).lines, log)
                return run.id
            # Moving the clock returns when everything that was due on the way has been done.
            self.world.advance(5)
        check("the run ends", False, started)

    def edit_voice_users(self):
        """Makes one by hand, changes and deletes it, and brings others in a file."""
        client, desk = self.account_admin(), "desk"
        form, key = VoiceUserForm(id=desk, name="Desk", extension="0012"), str(uuid4())
        make = lambda: create_voice_user.sync_detailed(self.enterprise, client=client, body=form, idempotency_key=key)
        made = answered(201, make())
        check("the same request makes the same user", answered(201, make()) == made, made)
        read = get_voice_user.sync_detailed(self.enterprise, desk, client=client)
        check("it is read as it was made", answered(200, read).extension == "0012", read)
        form, etag = VoiceUserForm(name="Front desk"), read.headers["etag"]
        put = lambda: put_voice_user.sync_detailed(self.enterprise, desk, client=client, body=form, if_match=etag)
        changed = put()
        check("the name is another", answered(200, changed).name == "Front desk", changed)
        refused(412, "stale", put())
        etag = changed.headers["etag"]
        gone = delete_voice_user.sync_detailed(self.enterprise, desk, client=client, if_match=etag)
        check("nothing is left to do in Teams", answered(200, gone).action_needed == "None", gone)

        def bring(mode, key, **items):
            body = VoiceUserList(items=[VoiceUserForm(**items)])
            return import_voice_users.sync_detailed(
                self.enterprise, client=client, body=body, mode=mode, idempotency_key=key
            )

        brought = answered(201, bring(ImportVoiceUsersMode.UPDATE, str(uuid4()), id="v0", name="Voice User 0"))
        check("what is as it was is not changed", (brought.updated, brought.unchanged) == (0, 1), brought)
        refused(422, "invalid", bring(ImportVoiceUsersMode.CREATE, str(uuid4()), id="v0", name="Voice User 0"))
        listed = answered(200, list_voice_users.sync_detailed(self.enterprise, client=client, limit=5))
        check("a page leads to the next", len(listed.items) == 5 and listed.next_, listed)
        exported = export_voice_users.sync_detailed(self.enterprise, client=client)
        check("the export has all of them", len(answered(200, exported).items) == VOICE_USERS, exported)
        template = get_voice_user_template.sync_detailed(self.enterprise, client=client)
        check("the template names the columns", template.content.startswith(b"\xef\xbb\xbfid,name,"), template)

    def map(self):
        """Maps as many users as there are licences; the ids of the Teams users."""
        self.world.clear_on_premises(self.tenant["id"])
        client = self.account_admin()
        teams_users = answered(200, list_teams_users.sync_detailed(self.enterprise, client=client, limit=20)).items
        voice_users = VoiceUserList(
            items=[
                VoiceUserForm(id=f"v{n}", name=f"Voice User {n}", number=f"+3227001{n:03}", extension=f"{1000 + n}")
                for n in range(VOICE_USERS)
            ]
        )
        voice_users.items[MAPPED].email = teams_users[MAPPED].email
        pushed = answered(200, push_voice_users.sync_detailed(self.enterprise, client=client, body=voice_users))
        check("the voice users are created", pushed.created == VOICE_USERS, pushed)
        proposals = list_mapping_proposals.sync_detailed(self.enterprise, client=client)
        proposed = answered(200, proposals).items[0].teams_user
        check("who has the same address is proposed", proposed.id == teams_users[MAPPED].id, proposed)
        for form, changed in [(AcceptForm(voice_users=[f"v{MAPPED}"]), 1), (AcceptForm(), 0)]:
            seen = get_mapping.sync_detailed(self.enterprise, client=client).headers["etag"]
            taken = accept_mapping_proposals.sync_detailed(self.enterprise, client=client, body=form, if_match=seen)
            check("the proposal is taken", answered(200, taken).changed == changed, taken)
        none = MappingForm(rows=[RowForm(voice_user=f"v{MAPPED}")])
        etag = get_mapping.sync_detailed(self.enterprise, client=client).headers["etag"]
        given = save_mapping.sync_detailed(self.enterprise, client=client, body=none, if_match=etag)
        check("and given back", answered(200, given).changed == 1, given)
        self.edit_voice_users()
        page = get_mapping.sync_detailed(self.enterprise, client=client)
        check("ten rows to a page", len(answered(200, page).rows) == 10, page)

        def save(users, etag):
            rows = [RowForm(voice_user=f"v{n}", teams_user=user.id) for n, user in enumerate(teams_users[:users])]
            form = MappingForm(rows=rows)
            return save_mapping.sync_detailed(self.enterprise, client=client, body=form, if_match=etag)

        refused(409, "over-license", save(MAPPED + 1, page.headers["etag"]))
        saved = answered(200, save(MAPPED, page.headers["etag"]))
        check("the save is counted", (saved.changed, saved.action_needed) == (MAPPED, "Sync Needed"), saved)
        found = answered(200, diagnose_teams_user.sync_detailed(self.enterprise, teams_users[0].email, client=client))
        check("a mapped user waits for the sync", found.diagnosis.verdict == Verdict.WAITSFORSYNC, found)
        seen = answered(200, diagnose_voice_user.sync_detailed(self.enterprise, "v0", client=client))
        check("and so does its voice user", seen.teams_user.id == teams_users[0].id, seen)
        return [user.id for user in teams_users]

    def agree(self, plan):
        """What stands in the way, how much may be taken away, and who agrees to it."""
        client, provider_side = self.account_admin(), self.reseller_admin()
        report = answered(200, get_preflight.sync_detailed(self.enterprise, client=client))
        check("nothing stops the sync", report.ready and report.directory_read, report)
        one = get_preflight.sync_detailed(self.enterprise, client=client, code=Code.NOT_SYNCED_YET)
        mail = answered(200, preview_mail.sync_detailed(self.enterprise, client=client))
        check("the reminder can be seen before it leaves", (mail.mail, mail.due) == (MailKind.SYNC_REQUIRED, True), mail)
        check("what is saved is not synced yet", answered(200, one).codes[0].count == MAPPED, one)
        approve = lambda count: approve_plan.sync_detailed(
            self.enterprise, plan, client=client, body=ApprovalForm(releases=count)
        )
        refused(422, "invalid", approve(1))
        check("nothing is taken away", answered(200, approve(0)).approval.releases == 0, plan)
        limit = get_release_limit.sync_detailed(self.enterprise, client=provider_side)
        check("five or a tenth pass", answered(200, limit).percent == 10, limit)
        body = {"client": provider_side, "body": ReleaseLimit(users=6, percent=10), "if_match": limit.headers["etag"]}
        put = lambda: put_release_limit.sync_detailed(self.enterprise, **body)
        check("six pass", answered(200, put()).users == 6, limit)
        refused(412, "stale", put())

    def plan(self):
        client = self.global_admin()
        key, form = str(uuid4()), PlanForm()
        made = answered(201, make_plan.sync_detailed(self.enterprise, client=client, body=form, idempotency_key=key))
        check("the plan has changes without conflicts", made.changes and not made.conflicts, made)
        kept = answered(200, get_plan.sync_detailed(self.enterprise, made.id, client=client))
        check("the plan is kept as it was made", kept == made, kept)
        script = get_plan_as_script.sync_detailed(self.enterprise, made.id, client=client)
        check("the plan is a script", b"Set-CsPhoneNumberAssignment" in script.content, script)
        check("one sign-in is enough for it", made.sign_ins == 1 and made.estimated_seconds > 0, made)
        check("every change has its reason", all(one.reason_text for one in made.changes), made)
        self.agree(made.id)
        return made.id

    def look_back(self, run):
        client = self.global_admin()
        seen = answered(200, get_run.sync_detailed(self.enterprise, run, client=client))
        states = [change.state for user in seen.users for change in user.changes]
        check("every change is applied", set(states) == {Progress.APPLIED}, states)
        status = answered(200, get_status.sync_detailed(self.enterprise, client=client))
        check("nothing is left to do", (status.sync_status, status.action_needed) == ("Up to date", "None"), status)
        domains = answered(200, list_calling_domains.sync_detailed(self.enterprise, client=client)).items
        check("the calling domains are active", {domain.state.value for domain in domains} == {"active"}, domains)
        support = self.caller("provider_support", "sam@provider.example")
        waiting = list_dns_records.sync_detailed(client=support, state=ListDnsRecordsState.UNVERIFIED)
        check("no record waits to be published", answered(200, waiting).items == [], waiting)
        sip_data = answered(200, get_sip_data_access.sync_detailed(self.enterprise, client=client))
        check("call detail records may be read", sip_data.access_sip_data, sip_data)
        history = answered(200, list_runs.sync_detailed(self.enterprise, client=client))
        check("the newest run comes first", history.items[0].id == run, history)
        changes = answered(200, list_run_changes.sync_detailed(self.enterprise, run, client=client, limit=2))
        check("changes come in parts", len(changes.items) == 2 and changes.next_ == 2, changes)
        text = download_run_log.sync_detailed(self.enterprise, run, client=client)
        check("the log is a file", text.status_code == 200 and text.content.startswith(b"<00:00> "), text)
        bundle = answered(200, get_support_bundle.sync_detailed(self.enterprise, run, client=client))
        check("the bundle is of the run", bundle.run.id == run and bundle.log and not bundle.people, bundle)
        form = RetryForm(mode=Mode.FULL)
        again = retry_run.sync_detailed(self.enterprise, run, client=client, body=form, idempotency_key=str(uuid4()))
        refused(409, "conflict", again)

    def stop_and_undo(self, discovered):
        """A run is stopped before it begins, and one that changed nothing cannot be undone."""
        client = self.global_admin()
        waiting = self.start(RunForm(kind=RunKind.DISCOVER))
        stopped = answered(202, cancel_run.sync_detailed(self.enterprise, waiting.id, client=client))
        check("the run is stopped", stopped.state == RunState.CANCELLED, stopped)
        undone = undo_run.sync_detailed(self.enterprise, discovered, client=client, idempotency_key=str(uuid4()))
        refused(409, "conflict", undone)

    def deputies(self):
        """The Global Admin names a deputy, and nobody else does."""
        admin, path = self.global_admin(), self.enterprise
        seen = get_operators.sync_detailed(path, client=admin)
        check("nobody is named", answered(200, seen).deputies == [], seen)
        deputy = DeputyForm(email="alex@customer.example", name="Alex")
        form = OperatorsForm(deputies=[deputy], teams_administrators=False)

        def name(client, etag):
            return put_operators.sync_detailed(path, client=client, body=form, if_match=etag)

        refused(404, "not-found", name(self.account_admin(), seen.headers["etag"]))
        named = answered(200, name(admin, seen.headers["etag"]))
        check("one deputy is named", [(one.name, one.known) for one in named.deputies] == [("Alex", False)], named)
        refused(412, "stale", name(admin, seen.headers["etag"]))

    def listen(self):
        """The reseller's own systems read the feed, and are called; the id of a webhook that stays."""
        client, receiver, reseller = self.reseller_admin(), Receiver(), self.reseller
        key = lambda: {"client": client, "idempotency_key": str(uuid4())}
        refused(422, "invalid", create_webhook.sync_detailed(reseller, body=WebhookBody(url="http://10.0.0.1/"), **key()))
        form = WebhookBody(url=receiver.url, types=["enterprise.*"])
        made = answered(201, create_webhook.sync_detailed(reseller, body=form, **key()))
        id, secret = made.webhook.id, made.secret
        answered(201, test_webhook.sync_detailed(reseller, id, **key()))

        def arrived(event):
            sent = receiver.wait(lambda _, body: json.loads(body)["type"] == event)
            check(f"{event} arrives", sent, receiver.arrived)
            return sent

        check("it is signed", signed(*arrived("webhook.test"), secret), receiver.arrived)
        rotated = answered(201, rotate_webhook_secret.sync_detailed(reseller, id, **key()))
        check("the secret is another", rotated.secret != secret, rotated.webhook)
        answered(201, replay_webhook.sync_detailed(reseller, id, body=ReplayBody(after=f"evt_{'0' * 26}"), **key()))
        sent = arrived("enterprise.created")
        both = signed(*sent, secret) and signed(*sent, rotated.secret)
        check("for a day both secrets sign", both, sent)
        told = answered(200, list_events.sync_detailed(reseller, client=client, types="enterprise.created"))
        check("the feed says the same", told.items[0] == FeedEvent.from_dict(json.loads(sent[1])), (told, sent))
        further = list_events.sync_detailed(reseller, client=client, after=told.cursor, limit=1)
        check("whoever goes on has seen it", told.items[0] not in answered(200, further).items, further)
        refused(422, "invalid", list_events.sync_detailed(reseller, client=client, types="no.such"))
        tries = answered(200, list_deliveries.sync_detailed(reseller, id, client=client, limit=5))
        check("what was sent is shown", all(one.status == 200 for one in tries.items) and tries.items, tries)
        stranger = self.caller("reseller_admin", "sam@another.example", reseller=self.another)
        refused(404, "not-found", get_webhook.sync_detailed(reseller, id, client=stranger))

        # One stays that leads nowhere, so that whatever is tried next is sent to nobody.
        stays = WebhookBody(url="https://hooks.contract.example/", types=["task.closed"])
        stays = answered(201, create_webhook.sync_detailed(reseller, body=stays, **key())).webhook.id
        read = get_webhook.sync_detailed(reseller, id, client=client)
        form.enabled = False
        put = put_webhook.sync_detailed(reseller, id, client=client, body=form, if_match=read.headers["etag"])
        check("it is switched off", answered(200, put).state == "off", put)
        gone = delete_webhook.sync_detailed(reseller, id, client=client, if_match=put.headers["etag"])
        check("it is deleted", gone.status_code == 204, gone)
        left = answered(200, list_webhooks.sync_detailed(reseller, client=client)).items
        check("one is left", [one.id for one in left] == [stays], left)
        return stays

    def hours(self):
        """The Global Admin chooses hours; without the leave they start nothing."""
        admin, path = self.global_admin(), self.enterprise
        seen = get_unattended.sync_detailed(path, client=admin)
        view = answered(200, seen)
        check("no sync runs unattended", (view.leave.state, view.automatic) == ("never", False), view)
        form = UnattendedForm(automatic=True, days=[Weekday.MONDAY], from_="20:00", until="06:00", releases=False)

        def choose(client, etag):
            return put_unattended.sync_detailed(path, client=client, body=form, if_match=etag)

        refused(404, "not-found", choose(self.account_admin(), seen.headers["etag"]))
        view = answered(200, choose(admin, seen.headers["etag"]))
        check("the hours are kept, and nothing is planned", (view.from_, view.next_) == ("20:00", None), view)
        refused(412, "stale", choose(admin, seen.headers["etag"]))
        stopped = answered(200, stop_unattended.sync_detailed(path, client=self.account_admin()))
        check("there is nothing to take back", stopped.leave.state == "never", stopped)

    def reminders(self):
        """When and whom the reminders reach, and what became of each day; the reseller's digest."""
        client, path = self.account_admin(), self.enterprise
        seen = get_reminding.sync_detailed(path, client=client)
        view = answered(200, seen)
        check("reminders come every day at nine", (view.hour, len(view.days), view.snooze) == (9, 7, None), view)
        second = SecondContactForm(email="zoe@customer.example", name="Zoe", after_days=3)
        form = RemindingForm(
            hour=8, days=[Weekday.MONDAY], quiet=[], snooze=None, second_contact=second, escalate_after=5
        )
        put = lambda etag: put_reminding.sync_detailed(path, client=client, body=form, if_match=etag)
        changed = put(seen.headers["etag"])
        check("there is a second contact", answered(200, changed).second_contact.name == "Zoe", changed)
        refused(412, "stale", put(seen.headers["etag"]))
        etag = changed.headers["etag"]
        back = answered(200, take_duty_back.sync_detailed(path, client=client, if_match=etag))
        check("nobody has taken the reminders over", back.duty is None, back)
        form.hour = 3
        refused(422, "invalid", put(etag))
        days = answered(200, list_reminders.sync_detailed(path, client=client, limit=5))
        check("the days are listed", isinstance(days.items, list), days)
        reseller = self.reseller_admin()
        seen = get_digest.sync_detailed(self.reseller, client=reseller)
        check("there is no digest yet", answered(200, seen).every == Every.OFF, seen)
        form = DigestForm(every=Every.WEEK, hour=8, time_zone="Europe/Brussels", email=None)
        put = lambda: put_digest.sync_detailed(self.reseller, client=reseller, body=form, if_match=seen.headers["etag"])
        check("there is one every week", answered(200, put()).every == Every.WEEK, form)
        refused(412, "stale", put())

    def upkeep(self):
        """What the reseller does with an enterprise that is in use."""
        reseller, path = self.reseller_admin(), self.enterprise
        seen = get_enterprise.sync_detailed(path, client=reseller)
        check("the enterprise is up to date", answered(200, seen).state == State.UPTODATE, seen)
        fewer = answered(200, get_licences.sync_detailed(path, client=reseller, preview="1"))
        check("the preview names who would lose", len(fewer.preview.lose) == MAPPED - 1, fewer)
        form = self.form("Renamed")
        form.billing_reference = "C-1"
        seen = put_enterprise.sync_detailed(path, client=reseller, body=form, if_match=seen.headers["etag"])
        check("the enterprise is renamed", answered(200, seen).name == form.name, seen)
        more = LicenceForm(count=MAPPED + 2)
        seen = put_licences.sync_detailed(path, client=reseller, body=more, if_match=seen.headers["etag"])
        check("there are more licences", answered(200, seen).user_limit == MAPPED + 2, seen)
        for change, status, state in (
            (disable_enterprise, 200, State.DISABLED),
            (enable_enterprise, 200, State.UPTODATE),
            (remove_enterprise, 202, State.REMOVING),
            (restore_enterprise, 200, State.UPTODATE),
        ):
            seen = change.sync_detailed(path, client=reseller, if_match=seen.headers["etag"])
            check(f"the enterprise is {state}", answered(status, seen).state == state, seen)
        trail = answered(200, get_enterprise_audit.sync_detailed(path, client=reseller, limit=5))
        check("all of it is in the trail", len(trail.items) == 5 and trail.next_, trail)

    def reset_and_move(self):
        """What the Global Admin does with consents and with the tenant."""
        client, path = self.global_admin(), self.enterprise
        seen = get_consents.sync_detailed(path, client=client)
        states = [one.state for one in answered(200, seen).sets]
        check("both permission sets are granted", states == ["granted", "granted"], states)
        calling = PermissionSet.CALLING
        refused(412, "stale", reset_consent.sync_detailed(path, calling, client=client, if_match='"1"'))
        seen = reset_consent.sync_detailed(path, calling, client=client, if_match=seen.headers["etag"])
        states = [one.state for one in answered(200, seen).sets]
        check("the second set is revoked", states == ["granted", "revoked"], states)
        again = reset_consent.sync_detailed(path, calling, client=client, if_match=seen.headers["etag"])
        refused(409, "conflict", again)
        for change, enabled in ((disable_sync, False), (enable_sync, True)):
            seen = change.sync_detailed(path, client=client, if_match=seen.headers["etag"])
            check(f"sync is enabled: {enabled}", answered(200, seen).sync_enabled is enabled, seen)
