import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../../client/problem';
import { readersQuery, removeReader } from '../../client/readers';
import type { Reader } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';

export function RemoveReader({ reader, onClose }: { reader: Reader | null; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const client = useQueryClient();
  const remove = useMutation<undefined, Problem, string>({
    mutationFn: removeReader,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: readersQuery.queryKey });
      onClose();
    },
  });
  const close = () => {
    remove.reset();
    onClose();
  };
  const name = reader?.name ?? '';
  return (
    <Modal
      opened={reader !== null}
      onClose={close}
      title={t('readers.removeTitle', { name })}
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <Stack gap="md">
        <Text>{t('readers.removeText', { name })}</Text>
        {remove.error ? <Notice {...say(remove.error)} /> : null}
        <Group justify="flex-end">
          <Button variant="default" data-autofocus onClick={close}>
            {t('app.cancel')}
          </Button>
          <Button
            color="red"
            loading={remove.isPending}
            data-testid="confirm-remove-reader"
            onClick={() => {
              if (reader) remove.mutate(reader.id);
            }}
          >
            {t('readers.removeYes')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
