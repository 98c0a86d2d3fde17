// Where a run stands, in the words of its parts and in those of its state.
//
//   Trainer trainer(model, parts, ClockOf(state), &workers);
//   NoteClock(trainer.clock(), &state);                  // after a step
//   BatchSource source(..., PositionOf(state), ...);
//   NotePosition(event->next, &state);                   // what it gave is learned
#ifndef TANDEM_SRC_TRAIN_RUN_POSITION_H_
#define TANDEM_SRC_TRAIN_RUN_POSITION_H_

#include "tandem/batch_source.h"
#include "tandem/state.pb.h"
#include "tandem/trainer.h"

namespace tandem {

// The trainer's steps are those of the weights: without the ones that going back to the best weights undid.
TrainerClock ClockOf(const proto::RunState& state);
void NoteClock(const TrainerClock& clock, proto::RunState* state);

LogPosition PositionOf(const proto::RunState& state);
void NotePosition(const LogPosition& position, proto::RunState* state);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_POSITION_H_
