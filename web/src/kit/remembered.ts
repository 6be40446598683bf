/** Small choices kept in this browser. A browser that forbids storage forgets them, and nothing else happens. */

export function recall(key: string): string | null {
  try {
    return window.localStorage.getItem(`luytre.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    window.localStorage.setItem(`luytre.${key}`, value);
  } catch {
    // Private mode or a full store: the choice holds until the page is left.
  }
}
