import { useEffect, useRef } from 'react';

type KeyMap = Record<string, (event: KeyboardEvent) => void>;

function typesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** True where the key already means something: Space and Enter on a button, arrows in a list or a menu. */
function ownsKey(target: EventTarget | null, key: string): boolean {
  if (typesText(target)) return true;
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('[role="dialog"],[role="menu"],[role="listbox"]')) return true;
  return (key === ' ' || key === 'Enter') && target.closest('button,a,[role="button"]') !== null;
}

/** Keys of a page: names as in KeyboardEvent.key, letters in lower case, `Shift+` before where it matters. */
export function useKeys(map: KeyMap): void {
  const latest = useRef(map);
  useEffect(() => {
    latest.current = map;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      if (ownsKey(event.target, event.key)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const action = (event.shiftKey ? latest.current[`Shift+${key}`] : undefined) ?? latest.current[key];
      if (!action) return;
      event.preventDefault();
      action(event);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}
