import { useTranslation } from 'react-i18next';

interface Said {
  message: string;
  hint: string;
}

/** A problem in words: the node's own, or ours when the node could not be reached. */
export function useProblemWords(): (problem: Said) => Said {
  const { t } = useTranslation();
  return (problem) =>
    problem.message === ''
      ? { message: t('problem.unreachable'), hint: t('problem.unreachableHint') }
      : { message: problem.message, hint: problem.hint };
}
