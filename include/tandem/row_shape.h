// How the rows of the embedding tables lie in memory.
//
//   const RowShape& shape = reader.shape();
//   const float* linear = row + shape.dim;           // a row that was read is its weights: the vector first
//   std::vector<float> whole(shape.whole_floats());  // with what training keeps, as checkpoints hold it
#ifndef TANDEM_ROW_SHAPE_H_
#define TANDEM_ROW_SHAPE_H_

namespace tandem {

// How rows lie in memory. A function of the configuration, but for `slow_at`, which is the store's own.
struct RowShape {
  bool trained = false;  // with what training needs
  // A row that was read begins with its weights: `dim` floats (of all vectors that lie side by side, where
  // there is a committee), then one linear weight for each tower that has a linear part: the teachers', and
  // the student's last.
  int dim = 0;
  int teacher_linear = 0;
  bool student_linear = false;
  int width = 0;  // of all weights
  // Where its slow copy, `dim` floats, begins; 0: there is none.
  int slow_at = 0;

  // A whole row, as checkpoints hold it: weights, `slots` times as many floats of the optimizer's, the slow
  // copy; and the words.
  int slots = 0;
  bool slow = false;
  bool updates = false;     // a count of the row's updates
  bool last_steps = false;  // the step that it was brought up to date for
  bool last_days = false;   // the day that Admit last asked for it; of counted keys as well
  int whole_floats() const { return width * (1 + slots) + (slow ? dim : 0); }
};

}  // namespace tandem

#endif  // TANDEM_ROW_SHAPE_H_
