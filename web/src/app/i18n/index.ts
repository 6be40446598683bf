/** Vietnamese unless the user chose otherwise; the choice is remembered, and the node is told. English is fetched by
 *  those who read it. */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { speak } from '../../client/request';
import { recall, remember } from '../../kit/remembered';
import { type Language, asLanguage } from '../../kit/words';
import { vi } from './vi';

const KEY = 'language';
const SPACE = 'translation';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof vi };
  }
}

function apply(language: Language): void {
  speak(language);
  document.documentElement.lang = language;
}

async function fetchWords(language: Language): Promise<void> {
  if (language === 'vi' || i18next.hasResourceBundle(language, SPACE)) return;
  const { en } = await import('./en');
  i18next.addResourceBundle(language, SPACE, en);
}

export async function startLanguage(): Promise<void> {
  const language = asLanguage(recall(KEY) ?? 'vi');
  await i18next.use(initReactI18next).init({
    resources: { vi: { [SPACE]: vi } },
    lng: 'vi',
    fallbackLng: 'vi',
    // React escapes by itself.
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  if (language === 'vi') apply(language);
  // A page in Vietnamese is better than none.
  else await chooseLanguage(language).catch(() => apply('vi'));
}

/** Rejects, and changes nothing, when the words cannot be had. */
export async function chooseLanguage(language: Language): Promise<void> {
  await fetchWords(language);
  remember(KEY, language);
  apply(language);
  await i18next.changeLanguage(language);
}
