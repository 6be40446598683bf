/** The one look of a state: colour, shape and word together. */
import classes from './StateMark.module.css';

export type Mark = 'good' | 'live' | 'busy' | 'warn' | 'bad' | 'idle' | 'unknown';

const SHAPES: Record<Mark, React.ReactNode> = {
  good: <circle cx="8" cy="8" r="5.5" fill="currentColor" />,
  live: <circle cx="8" cy="8" r="4.8" fill="none" stroke="currentColor" strokeWidth="2.4" />,
  busy: (
    <path d="M8 2.6a5.4 5.4 0 1 1-5.4 5.4" fill="none" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" />
  ),
  warn: <path d="M8 2 15 14H1Z" fill="currentColor" />,
  bad: <path d="m3.5 3.5 9 9m0-9-9 9" stroke="currentColor" strokeWidth="2.8" strokeLinecap="round" />,
  idle: <path d="M2.5 8h11" stroke="currentColor" strokeWidth="3.4" strokeLinecap="round" />,
  unknown: (
    <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="3 2.4" />
  ),
};

interface Props {
  mark: Mark;
  word: string;
  /** The word stays for screen readers and on hover only. */
  compact?: boolean;
}

export function StateMark({ mark, word, compact = false }: Props) {
  return (
    <span className={classes.mark} data-mark={mark} title={compact ? word : undefined}>
      <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
        {SHAPES[mark]}
      </svg>
      <span className={compact ? 'sr-only' : classes.word}>{word}</span>
    </span>
  );
}
