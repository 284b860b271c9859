// Where a pupil's answers are kept: in this browser only, one key a lesson. A browser may refuse (private windows,
// school settings, a full store); then they last as long as the page, and the pupil is told once.

const key = (id) => `hneurons-lesson:${id}`;

export const store = {
  read(id) {
    try {
      return JSON.parse(localStorage.getItem(key(id)));
    } catch {
      return null; // not allowed, or not ours
    }
  },
  /** Whether it was kept. */
  write(id, progress) {
    try {
      localStorage.setItem(key(id), JSON.stringify(progress));
      return true;
    } catch {
      return false;
    }
  },
  remove(id) {
    try {
      localStorage.removeItem(key(id));
    } catch {
      // What cannot be written is not there.
    }
  },
};
