// What every page has: the theme switch, copy buttons, ticking times and, where asked for, live updates.
import { startChips } from "./chips.js";
import { startClock } from "./clock.js";
import { startCopy } from "./copy.js";
import { startLive } from "./live.js";
import { startThemeSwitch } from "./theme-switch.js";
import { focusErrorSummary, guardForms } from "./submit.js";

startThemeSwitch();
startCopy();
startChips();
startClock();
guardForms();
focusErrorSummary();
document.querySelectorAll("[data-live]").forEach(startLive);
