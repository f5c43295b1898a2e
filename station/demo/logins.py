"""The demo's logins: one of each role; light, as the supervisor shows them and stays small."""

from __future__ import annotations

from dataclasses import dataclass

from station.base.principal import Role

TOTP_STEP_S = 30  # RFC 6238 §4.1
PASSWORD = "demo-station"  # shown on the demo page; demo data only


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A login that a newcomer can try. Citizens have a phone, all others a login name and a TOTP secret."""

    id: str
    role: Role
    name: str
    login: str = ""
    phone: str = ""
    scope: str = ""
    secret: str = ""

    def otp_now(self, now_s: float, used_step: int = 0) -> str:
        """What the account's authenticator would show; the demo page stands in for the phone.

        A code opens one session only. Whoever signs in again within its 30 seconds is shown the next one, which counts
        already (one step of skew is allowed), instead of one that is refused. `used_step` is the newest taken so far.
        """
        if not self.secret:
            return ""
        import pyotp  # noqa: PLC0415  where nobody signs in it is not loaded

        return pyotp.TOTP(self.secret).at(max(int(now_s) // TOTP_STEP_S, used_step + 1) * TOTP_STEP_S)


DEMO_ACCOUNTS = (
    DemoAccount("ac_demo_citizen", Role.CITIZEN, "赵玉梅", phone="13800001234"),
    DemoAccount("ac_demo_citizen2", Role.CITIZEN, "李国强", phone="13800005678"),
    DemoAccount(
        "ac_demo_deputy1", Role.DEPUTY, "林秀兰", "linxiulan",
        scope="dp_demo_linxiulan", secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXA",
    ),
    DemoAccount(
        "ac_demo_deputy2", Role.DEPUTY, "陈立新", "chenlixin",
        scope="dp_demo_chenlixin", secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXB",
    ),
    DemoAccount(
        "ac_demo_clerk", Role.CLERK, "何晓雯", "clerk",
        scope="st_demo_guihua", secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXC",
    ),
    DemoAccount(
        "ac_demo_unit", Role.UNIT, "许志远", "unit",
        scope="un_demo_housing", secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXD",
    ),
    DemoAccount(
        "ac_demo_supervisor", Role.SUPERVISOR, "高敏", "supervisor", secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXE"
    ),
    DemoAccount("ac_demo_admin", Role.ADMIN, "管理员", "admin", secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXF"),
)  # fmt: skip


def describe_logins(address: str = "") -> str:
    """The demo logins as lines for the terminal."""
    lines = [f"演示账号（动态码见 {address}/demo）  Demo logins (codes at {address}/demo):"]
    for account in DEMO_ACCOUNTS:
        way = f"手机 {account.phone}" if account.phone else f"{account.login} / {PASSWORD}"
        lines.append(f"  {account.role:<11} {account.name}  {way}")
    return "\n".join(lines)
