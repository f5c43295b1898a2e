// Who signs out leaves nothing in this window. Who is only signed out, as time ran out, finds their words again.

import { forgetUnsent } from "../meet/unsent.js";

document.querySelector(".sign-out")?.addEventListener("submit", forgetUnsent);
