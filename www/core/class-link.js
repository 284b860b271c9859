// The link that a teacher gives to a class: a lesson, what is out of sight, and the settings to begin with. Pure.

import { NAME } from "./lesson-parts.js";
import { DEFAULTS, formatHash } from "./state.js";

/**
 * @param {string} page the page's address without query and hash
 * @param {object} choice
 * @param {string} choice.lesson
 * @param {string[]} [choice.hide] names of panels
 * @param {import("./types.js").Settings | null} [choice.settings] the page's state, or null for its defaults
 * @param {boolean} [choice.teacher] with the teacher's notes
 */
export function classLink(page, { lesson, hide = [], settings = null, teacher = false }) {
  const query = new URLSearchParams();
  const names = hide.filter((name) => NAME.test(name));
  // Commas are read as they are, and a link is easier to check by eye with them.
  const hides = names.length > 0 ? [`hide=${names.join(",")}`] : [];
  if (teacher) query.set("teacher", "1");
  const search = [...hides, query.toString()].filter(Boolean).join("&");
  return `${page}${search && `?${search}`}${formatHash({ ...(settings ?? DEFAULTS), lesson, run: false })}`;
}
